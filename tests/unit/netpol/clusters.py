"""Small clusters for property tests: few names, so that selectors meet labels often."""

from typing import Any

from hypothesis import strategies as st

from unit.netpol.oracle import Cluster, Packet

Json = dict[str, Any]
SPACES = ("red", "blue")
KEYS, VALUES = ("app", "tier"), ("a", "b")
PROTOCOLS = ("TCP", "UDP", "SCTP")
NUMBERS = (1, 80, 81, 65535)
OUTSIDERS = ("203.0.113.10", "192.0.2.1")
CIDRS = (
    "0.0.0.0/0",
    "10.244.0.0/16",
    "10.244.0.2/31",
    "10.244.0.3/32",
    "203.0.113.0/24",
    "203.0.113.10/32",
    "192.0.2.0/30",
    "fd00::/8",
)

labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Draw an object in which every field may be missing."""
    return st.fixed_dictionaries({}, optional=fields)


def _expression(key: str, operator: str, values: list[str]) -> Json:
    found = {"key": key, "operator": operator}
    return {**found, "values": values} if operator in {"In", "NotIn"} else found


expressions = st.builds(
    _expression,
    st.sampled_from(KEYS),
    st.sampled_from(("In", "NotIn", "Exists", "DoesNotExist")),
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=2),
)
selectors: st.SearchStrategy[Json] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"matchLabels": labels}),
    st.fixed_dictionaries({"matchExpressions": st.lists(expressions, min_size=1, max_size=2)}),
    optional(matchLabels=labels, matchExpressions=st.lists(expressions, max_size=1)),
)


@st.composite
def blocks(draw: st.DrawFn) -> Json:
    cidr = draw(st.sampled_from(CIDRS))
    holes = draw(st.lists(st.sampled_from(CIDRS[1:-1]), max_size=2)) if ":" not in cidr else []
    return {"ipBlock": {"cidr": cidr, "except": holes}}


peers = st.one_of(
    blocks(),
    optional(podSelector=selectors, namespaceSelector=selectors).filter(bool),
)


@st.composite
def ports(draw: st.DrawFn) -> Json:
    entry: Json = draw(optional(protocol=st.sampled_from(PROTOCOLS)))
    kind = draw(st.sampled_from(("none", "name", "number", "range")))
    if kind == "name":
        entry["port"] = draw(st.sampled_from(("http", "dns")))
    elif kind == "number":
        entry["port"] = draw(st.sampled_from(NUMBERS))
    elif kind == "range":
        ends = draw(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)))
        entry["port"], entry["endPort"] = sorted(ends)
    return entry


def rules(far: str) -> st.SearchStrategy[list[Json]]:
    entries = {
        far: st.lists(peers, min_size=1, max_size=2),
        "ports": st.lists(ports(), min_size=1, max_size=2),
    }
    return st.lists(optional(**entries), min_size=1, max_size=2)


specs = st.fixed_dictionaries(
    {"podSelector": selectors},
    optional={
        "policyTypes": st.lists(st.sampled_from(("Ingress", "Egress")), unique=True),
        "ingress": rules("from"),
        "egress": rules("to"),
    },
)

container_ports = st.fixed_dictionaries(
    {"name": st.sampled_from(("http", "dns")), "containerPort": st.sampled_from(NUMBERS)},
    optional={"protocol": st.sampled_from(PROTOCOLS)},
)


def _named(name: str, space: str = "", **rest: Any) -> Json:
    meta = {"name": name, "uid": f"uid-{name}", **({"namespace": space} if space else {})}
    return {"metadata": {**meta, "labels": rest.pop("labels", {})}, **rest}


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    pods = [
        _named(
            f"pod-{index}",
            draw(st.sampled_from(SPACES)),
            labels=draw(labels),
            spec={
                "containers": [{"ports": draw(st.lists(container_ports, min_size=1, max_size=2))}]
            },
            status={"podIP": f"10.244.0.{index + 2}"},
        )
        for index in range(draw(st.integers(2, 4)))
    ]
    policies = [
        _named(f"policy-{index}", draw(st.sampled_from(SPACES)), spec=draw(specs))
        for index in range(draw(st.integers(1, 5)))
    ]
    return Cluster(pods, [_named(name, labels=draw(labels)) for name in SPACES], policies)


def packets(cluster: Cluster) -> list[Packet]:
    """Return every packet that the small world of names and numbers can tell apart."""
    addresses = [pod["status"]["podIP"] for pod in cluster.pods] + list(OUTSIDERS)
    transports = [(protocol, port) for protocol in PROTOCOLS for port in (*NUMBERS, 60)]
    return [
        Packet(source, target, protocol, port)
        for source in addresses
        for target in addresses
        for protocol, port in [*transports, ("ICMP", None)]
    ]
