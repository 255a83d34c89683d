"""What a pair is: a refused request beside its accepted neighbour."""

from dataclasses import dataclass, field

from api.admission.bodies import Changes


@dataclass(frozen=True)
class Pair:
    """One check at its edge.

    Attributes:
        refuses: The sentence of the case.
        refused: Changes by JSON pointer that break it.
        says: What the message contains: the field, and what is accepted.
        accepted: Changes that make the nearest object that passes.
    """

    refuses: str
    refused: Changes
    says: tuple[str, ...]
    accepted: Changes = field(default_factory=dict)
