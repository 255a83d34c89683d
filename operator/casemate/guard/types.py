"""What the parts of the guard tell each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

SURVEILLANCE = "domestic-mass-surveillance"
FORCE = "use-of-force"
UNREADABLE = "unreadable"
"""In the place of a line: a text that could not be unfolded within its budget."""
UNCOVERED = "uncovered-language"
"""In the place of a line: a text in a language for which the bundle has no figures."""
HIDING = "hiding"
"""In the place of a line: something was hidden in a text; recorded, without effect by itself."""


class PolicyError(ValueError):
    """A policy that lacks or relaxes a built-in line."""


class GuardError(Exception):
    """The guard failed on a text; there is no verdict, so the answer is no."""


class Verdict(StrEnum):
    """What a check can say, in order of strictness."""

    ALLOW = "allow"
    HOLD = "hold"
    REFUSE = "refuse"

    @property
    def rank(self) -> int:
        """Its place in the order of strictness."""
        return _ORDER.index(self)


_ORDER = tuple(Verdict)
BUILT_IN = MappingProxyType({SURVEILLANCE: Verdict.REFUSE, FORCE: Verdict.HOLD})
"""The red lines that no agreement can lack or relax."""


@dataclass(frozen=True, slots=True)
class Surface:
    """One text that is checked on its own.

    Attributes:
        name: Its path, such as ``messages[3].content``.
        kind: One of few: system, user, assistant, tool, tool_call, tool_definition, parameter,
            conversation, output.
        text: The text.
    """

    name: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        line: The red line's id, or what stands in its place.
        sub: The sub-class; empty if none.
        tier: structural, lexicon, pattern, linear, embedder or detector.
        surface: Name of the surface.
        view: Transforms that brought it to light; empty: as given.
        score: How sure, from 0 to 1.
    """

    line: str
    sub: str
    tier: str
    surface: str
    view: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a text.

    Attributes:
        verdict: The strictest over all findings.
        line: Of the strictest finding; empty when allowed.
        tier: Of the same finding.
        findings: All of them.
    """

    verdict: Verdict
    line: str = ""
    tier: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What an agreement makes of findings.

    Attributes:
        verdicts: By line; the built-in ones are always among them.
        uncovered: For text in a language without figures; never ALLOW.
        patterns: RE2 patterns by line, beside what the bundle finds.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=lambda: dict(BUILT_IN))
    uncovered: Verdict = Verdict.HOLD
    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what would relax.

        Raises:
            PolicyError: A built-in line is missing or milder, or something is allowed.
        """
        for line, least in BUILT_IN.items():
            given = self.verdicts.get(line)
            if given is None or given.rank < least.rank:
                told = "is missing" if given is None else f"has verdict {given}"
                raise PolicyError(f"line {line} {told}; accepted: {least} or stricter")
        milder = [one for one, verdict in self.verdicts.items() if verdict is Verdict.ALLOW]
        if milder or self.uncovered is Verdict.ALLOW:
            named = ", ".join(milder) or UNCOVERED
            raise PolicyError(f"{named}: accepted verdicts are hold and refuse")
        if unknown := self.patterns.keys() - self.verdicts.keys():
            raise PolicyError(f"patterns for lines without a verdict: {', '.join(sorted(unknown))}")

    def verdict(self, line: str) -> Verdict:
        """Return the verdict on a finding; what is not known is refused."""
        if line == HIDING:
            return Verdict.ALLOW
        if line == UNCOVERED:
            return self.uncovered
        return self.verdicts.get(line, Verdict.REFUSE)
