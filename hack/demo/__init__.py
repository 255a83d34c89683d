"""``python -m demo``: from nothing to a guarded answer, with proof of what is blocked."""
