"""The few rules that the API server reads from its own disk, so that no API call removes them.

They take no parameters and ask nobody's rights: whoever owns the cluster's API is bound by them.
"""

from casemate.admission.cel import ours, text
from casemate.admission.policy import Check, Policy, Target
from casemate.api.v1alpha1 import GROUP, PLURAL

RED_LINES = ("domestic-mass-surveillance", "use-of-force")
"""Uses that no agreement can allow: the two red lines."""

_GATEWAY = (
    "object.spec.?initContainers.orValue([]).exists(c, c.name == 'gateway' &&"
    " c.?restartPolicy.orValue('') == 'Always' && c.?args[?0].orValue('') == 'gateway' &&"
    " c.?command.orValue([]).size() == 0)"
)
_USES = " or ".join(RED_LINES)

GATEWAYS = Policy(
    name="casemate-gateway.static.k8s.io",
    targets=(Target("", ("pods",)),),
    when={
        "model-pod": ours("object"),
        # A pod whose specification stays is no way in, and must be able to end.
        "new-or-changed": "request.operation == 'CREATE' || object.spec != oldObject.spec ||"
        f" !({ours('oldObject')})",
    },
    checks=(
        Check(
            _GATEWAY,
            text(
                "spec.initContainers: a model pod must have the native sidecar gateway, with"
                " restartPolicy Always, gateway as first of its args, and no command"
            ),
        ),
    ),
)

USES = Policy(
    name="casemate-red-lines.static.k8s.io",
    targets=(Target(GROUP, (PLURAL,)),),
    checks=(
        Check(
            " && ".join(f"object.spec.use != {text(use)}" for use in RED_LINES),
            text(f"spec.use: {_USES} is never accepted as a use; found ") + " + object.spec.use",
        ),
    ),
)

STATIC: dict[str, tuple[Policy, ...]] = {"gateway": (GATEWAYS,), "red-lines": (USES,)}
"""The policies by the file that they are generated into."""
