"""Readings of a text, so that what is hidden or disguised in it is seen as what it is."""

from casemate.guard.views.clean import canonical
from casemate.guard.views.search import views
from casemate.guard.views.types import View, Views

__all__ = ["View", "Views", "canonical", "views"]
