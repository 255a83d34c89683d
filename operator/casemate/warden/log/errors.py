"""What can go wrong with a log, by what its owner should do about it."""


class LogError(Exception):
    """Any failure of the log."""


class FatalLogError(LogError):
    """Writing or syncing failed: what is on the disk is unknown, so the process must end.

    After a failed fsync Linux may have dropped the pages that it could not write, and a later fsync
    succeeds. Only a new start that reads the disk again can tell.
    """


class CannotStartError(LogError):
    """The log on the disk is not the one that was signed for, or is in use."""


class BackPressureError(LogError):
    """More records wait than the log takes on.

    Attributes:
        retry_seconds: When to try again.
    """

    def __init__(self, waiting: int, retry_seconds: float) -> None:
        super().__init__(f"{waiting} records wait for the disk; retry in {retry_seconds:.0f} s")
        self.retry_seconds = retry_seconds


class FullError(LogError):
    """The volume has no space but the reserve; nothing but the closing record is written."""


class ClosedError(LogError):
    """The log is closed or is closing."""
