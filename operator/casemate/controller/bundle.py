"""Which bundle of rules and weights the guard of this image judges by."""

from casemate import guardfiles
from casemate.core.observed import GuardBundle

SHIPPED = GuardBundle(*guardfiles.identity(guardfiles.shipped()))
"""Operator and gateway are one image, so this is what the gateways have too."""
