"""The safety stack: every check of a gateway, in its order, around what is in force."""

from casemate.gateway.checks import Chain
from casemate.gateway.guard import Bench, GuardInput
from casemate.gateway.guardmetrics import GuardMetrics
from casemate.gateway.guardoutput import GuardOutput
from casemate.gateway.guardrails import Guardrails
from casemate.gateway.modelrefusals import ModelRefusals
from casemate.gateway.policy import Keeper, Load
from casemate.gateway.quotachecks import QuotaCheck
from casemate.gateway.routes import Route
from casemate.gateway.settings import Pinned
from casemate.gateway.shape import Accepted
from casemate.gateway.worker import Lanes


class Stack:
    """All that guards one gateway.

    Attributes:
        chain: The checks.
        keeper: What is in force.
        guardrails: What the agreement requires beside the gateway.
    """

    def __init__(
        self, pinned: Pinned | None, load: Load, metrics: GuardMetrics, timeout: float
    ) -> None:
        """Put the checks together; nothing is in force until `run` has loaded it.

        Args:
            pinned: The policy file, if there is one.
            load: Makes what is in force.
            metrics: Where it is counted.
            timeout: Seconds for one check; a judge at work for longer hangs.
        """
        self.keeper = Keeper(pinned, load, metrics)
        self._lanes = Lanes(timeout)
        bench = Bench(self.keeper, self._lanes, metrics)
        quotas = QuotaCheck(bench)
        # Within the time that one check may take, so that it tells which one was late.
        self.guardrails = Guardrails(self.keeper, timeout * 0.9)
        self.chain = Chain(
            # Counting first: it is cheap, and who asks too often is not judged at all.
            inputs=[quotas, GuardInput(bench), self.guardrails],
            outputs=[
                GuardOutput(bench),
                self.guardrails,
                ModelRefusals(metrics.model_refusals.inc),
            ],
            held=metrics.held_back.observe,
            ready=self.keeper,
            forward=self._forward,
            spent=quotas.spend,
        )

    @property
    def problem(self) -> str | None:
        """Why nothing may be answered now, or None."""
        return "a judgement hangs" if self._lanes.hangs else self.keeper.problem

    @property
    def hangs(self) -> bool:
        """Whether only a restart can help."""
        return self._lanes.hangs

    def _forward(self, route: Route, accepted: Accepted) -> Accepted:
        instruction = self.keeper().instruction
        return instruction.before(route, accepted) if instruction else accepted
