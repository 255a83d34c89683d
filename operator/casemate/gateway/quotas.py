"""How much one caller may ask for within a window: requests, tokens, and distinct persons.

"Mass" is a rate as much as a text: each of many harmless questions about a person passes every
check of texts. Time comes in as an argument, in seconds of a clock that never goes back.

Memory is bounded: a caller's counts are a few dozen numbers, persons are kept as short hashes, and
callers beyond a number share one quota. So nobody loses others' counts, or his own, by
coming from many addresses.
"""

import hashlib
import math
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from casemate.gateway.callers import Caller
from casemate.gateway.errors import Cause

SLICES = 60
"""A window is counted in so many parts; what was used frees up when its part has left."""
MAX_CALLERS = 4096
MAX_PERSONS = 200_000
"""Of all callers together: about 30 MB."""
_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may use within a window; None is no limit."""

    window: float
    requests: int | None = None
    tokens: int | None = None
    persons: int | None = None


@dataclass(frozen=True, slots=True)
class Excess:
    """One request too many.

    Attributes:
        cause: Which limit.
        wait: Seconds until the same request would pass, at least 1.
    """

    cause: Cause
    wait: int


class Window:
    """A sum over the last seconds, in slices."""

    def __init__(self, seconds: float) -> None:
        self._slice = seconds / SLICES
        self._sums: OrderedDict[int, int] = OrderedDict()
        self.total = 0

    def add(self, now: float, amount: int) -> None:
        """Count ``amount`` now."""
        self.forget(now)
        at = int(now / self._slice)
        self._sums[at] = self._sums.get(at, 0) + amount
        self.total += amount

    def forget(self, now: float) -> None:
        """Drop what has left the window."""
        oldest = int(now / self._slice) - SLICES
        while self._sums and next(iter(self._sums)) < oldest:
            self.total -= self._sums.popitem(last=False)[1]

    def wait(self, now: float, limit: int, more: int = 1) -> int | None:
        """Return the seconds until ``more`` fits below ``limit``; None if it does now."""
        self.forget(now)
        over = self.total + more - limit
        if over <= 0:
            return None
        for at, amount in self._sums.items():
            over -= amount
            if over <= 0:
                return _seconds((at + SLICES + 1) * self._slice - now)
        return _seconds((SLICES + 1) * self._slice)


@dataclass(slots=True)
class _Account:
    requests: Window
    tokens: Window
    persons: OrderedDict[bytes, float] = field(default_factory=OrderedDict)
    used: float = 0.0


class Quotas:
    """The counts of all callers."""

    def __init__(
        self, limits: Limits, *, callers: int = MAX_CALLERS, persons: int = MAX_PERSONS
    ) -> None:
        """Begin with nothing counted.

        Args:
            limits: The same for each caller.
            callers: How many are counted on their own; the others are counted together.
            persons: How many are kept in all; a person beyond is refused.
        """
        self._limits = limits
        self._most = callers
        self._most_persons = persons
        self._persons = 0
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._others = self._fresh()
        # Hashes that nobody can look up: the list of who was asked about is itself sensitive.
        self._salt = secrets.token_bytes(16)

    def ask(self, caller: Caller, now: float) -> Excess | None:
        """Count a request, unless it is one too many; then say for how long."""
        account = self._account(caller, now)
        limits = self._limits
        if limits.tokens is not None:
            # What this one will use is not known yet: it may begin while any are left.
            wait = account.tokens.wait(now, limits.tokens)
            if wait is not None:
                return Excess(Cause.TOKENS, wait)
        if limits.requests is not None:
            wait = account.requests.wait(now, limits.requests)
            if wait is not None:
                return Excess(Cause.REQUESTS, wait)
        account.requests.add(now, 1)
        return None

    def ask_about(self, caller: Caller, persons: Iterable[str], now: float) -> Excess | None:
        """Count the persons of a request, unless they are too many; then count none of them."""
        limit = self._limits.persons
        if limit is None:
            return None
        account = self._account(caller, now)
        self._forget_persons(account, now)
        asked = {self._hash(person) for person in persons}
        new = [person for person in asked if person not in account.persons]
        over = len(account.persons) + len(new) - limit
        if new and over > 0:
            return Excess(Cause.PERSONS, self._persons_wait(account, over, now))
        if self._persons + len(new) > self._most_persons:
            return Excess(Cause.CALLERS, _seconds(self._limits.window / SLICES))
        for person in asked:
            account.persons[person] = now
            account.persons.move_to_end(person)
        self._persons += len(new)
        return None

    def spend(self, caller: Caller, tokens: int, now: float) -> None:
        """Count tokens that an answer has used."""
        self._account(caller, now).tokens.add(now, tokens)

    def _account(self, caller: Caller, now: float) -> _Account:
        account = self._accounts.get(caller.key)
        if account is None:
            self._drop_idle(now)
            if len(self._accounts) >= self._most:
                return self._others
            account = self._accounts[caller.key] = self._fresh()
        account.used = now
        self._accounts.move_to_end(caller.key)
        return account

    def _drop_idle(self, now: float) -> None:
        """Drop the callers all of whose counts have left the window."""
        gone = now - self._limits.window * (1 + 2 / SLICES)
        while self._accounts:
            key, account = next(iter(self._accounts.items()))
            if account.used >= gone:
                return
            self._persons -= len(account.persons)
            del self._accounts[key]

    def _forget_persons(self, account: _Account, now: float) -> None:
        gone = now - self._limits.window
        while account.persons and next(iter(account.persons.values())) <= gone:
            account.persons.popitem(last=False)
            self._persons -= 1

    def _persons_wait(self, account: _Account, over: int, now: float) -> int:
        """Seconds until enough persons were last asked about too long ago to count."""
        times = list(account.persons.values())
        last = times[min(over, len(times)) - 1] if times else now
        return _seconds(last + self._limits.window - now)

    def _hash(self, person: str) -> bytes:
        data = person.encode("utf-8", "replace")
        return hashlib.blake2b(data, digest_size=_HASH_BYTES, key=self._salt).digest()

    def _fresh(self) -> _Account:
        return _Account(Window(self._limits.window), Window(self._limits.window))


def _seconds(seconds: float) -> int:
    return max(1, math.ceil(seconds))
