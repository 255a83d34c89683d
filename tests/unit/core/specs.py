"""Strategies for everything that decisions depend on."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from unit.api.cases import IMAGE

WORDS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,50}[a-z0-9])?", fullmatch=True)
NAMESPACES = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
LABELS = st.dictionaries(WORDS, WORDS | st.just(""), min_size=1, max_size=3)
SELECTORS = st.fixed_dictionaries(
    {"matchLabels": LABELS},
    optional={
        "matchExpressions": st.lists(
            st.fixed_dictionaries(
                {
                    "key": WORDS,
                    "operator": st.just("In"),
                    "values": st.lists(WORDS, min_size=1, max_size=2),
                }
            ),
            max_size=2,
        )
    },
)
ANY_SELECTOR: st.SearchStrategy[dict[str, Any]] = SELECTORS | st.just({})
CLIENTS = st.lists(
    st.fixed_dictionaries({"podSelector": SELECTORS}, optional={"namespaceSelector": ANY_SELECTOR})
    | st.fixed_dictionaries(
        {"namespaceSelector": SELECTORS}, optional={"podSelector": ANY_SELECTOR}
    ),
    max_size=3,
)
PORTS = st.lists(
    st.fixed_dictionaries(
        {"port": st.integers(1, 65535)}, optional={"protocol": st.sampled_from(["TCP", "UDP"])}
    ),
    min_size=1,
    max_size=2,
)
PEERS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"cidr": st.sampled_from(["10.20.0.0/16", "10.20.7.0/24", "fd00:20::/32"])}
) | st.fixed_dictionaries({"podSelector": SELECTORS})
EGRESS = st.lists(st.builds(lambda peer, ports: peer | {"ports": ports}, PEERS, PORTS), max_size=2)
AMOUNTS = st.dictionaries(
    st.sampled_from(["cpu", "memory", "example.com/gpu"]),
    st.sampled_from(["1000m", "1024Mi", "0.5", 2, "3Gi"]),
    max_size=3,
)
ENGINES = st.fixed_dictionaries(
    {"image": st.just(IMAGE)},
    optional={
        "command": st.lists(st.text("abc -/", max_size=5), max_size=2),
        "args": st.lists(st.text("abc -/", max_size=5), max_size=2),
        "env": st.lists(
            st.fixed_dictionaries({"name": WORDS}, optional={"value": st.text("abc", max_size=3)}),
            max_size=3,
            unique_by=lambda one: str(one["name"]),
        ),
        "resources": st.fixed_dictionaries({}, optional={"limits": AMOUNTS}),
    },
)
WAYS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"socket": "x.sock"}, {"port": 8000}]
)
OCI = st.fixed_dictionaries({"image": st.just(IMAGE)}, optional={"path": st.just("a/b.gguf")})
SOURCES = st.fixed_dictionaries({"oci": OCI}) | st.just({"claim": {"name": "w", "path": "m"}})


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "model": {"name": "smollm2", "supplier": "open-lab", "source": draw(SOURCES)},
        "engine": draw(ENGINES) | draw(WAYS),
        "agreementRef": {"name": "harbour"},
        "use": "logistics-optimization",
        "owner": {"name": "Harbour Office", "contact": "harbour@example.org"},
        "replicas": draw(st.integers(0, 4)),
        "access": {"clients": draw(CLIENTS), "egress": draw(EGRESS)},
        "suspend": draw(st.booleans()),
    }


few = settings(max_examples=20, deadline=None)
"""For properties that build whole worlds: milliseconds an example."""
