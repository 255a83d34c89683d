"""Names of the objects that are looked at."""

from typing import NamedTuple


class Key(NamedTuple):
    """Names one ModelDeployment."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class TermsKey(NamedTuple):
    """Names one UsageAgreement or Supplier."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
