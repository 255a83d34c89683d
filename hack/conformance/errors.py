"""What can go wrong in a way that the user can mend."""


class ConformanceError(Exception):
    """The suite could not run; the message says why and what to do."""
