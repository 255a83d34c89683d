"""The guard: for each alert when it fires and when it must not."""

from rules.promtool import Case
from rules.series import (
    OF_SCRIBE,
    OTHER,
    asked,
    bundle,
    guarded,
    lasting,
    share,
    terms_refuse,
)

GUARD = {
    "CasemateGuardFailsClosed": [
        Case("8 % cannot be judged", share(100, guard_unavailable=8), "8m", [OF_SCRIBE]),
        Case("not for long yet", share(100, guard_unavailable=8), "4m"),
        Case("isolation is not proven", share(100, not_isolated=8), "8m", [OF_SCRIBE]),
        Case(
            "many ask for what does not exist",
            {**share(100, guard_unavailable=8), **asked("0+300x20", "404", "other")},
            "8m",
            [OF_SCRIBE],
        ),
        Case("4 % cannot be judged", share(100, guard_unavailable=4), "15m"),
        Case("verdicts are no failures", share(100, check_refused=90), "15m"),
        Case("nobody asks", share(0, guard_unavailable=0), "15m"),
    ],
    "CasemateGuardPolicyOutdated": lasting("GuardrailsEnforced", "False", 5),
    "CasemateGuardPolicyStale": [
        Case("it is stale", guarded("stale_policy", "0x2 1x9"), "5m", [OF_SCRIBE]),
        Case("it loads", guarded("loading", "0x2 1x9"), "5m"),
    ],
    "CasemateGuardBundleOutdated": [
        Case("an agreement asks for more", terms_refuse("GuardOutdated"), "6m", [{}]),
        Case("not for long yet", terms_refuse("GuardOutdated"), "4m"),
        Case("something else is refused", terms_refuse("UseNotAllowed"), "6m"),
    ],
    "CasemateGuardBundlesDiffer": [
        Case(
            "a rollout hangs",
            {**bundle("sha256:1", "1x40"), **bundle("sha256:2", "1x40", OTHER)},
            "32m",
            [OF_SCRIBE],
        ),
        Case(
            "a rollout goes on",
            {**bundle("sha256:1", "1x40"), **bundle("sha256:2", "1x40", OTHER)},
            "20m",
        ),
        Case(
            "two pods, one bundle",
            {**bundle("sha256:1", "1x40"), **bundle("sha256:1", "1x40", OTHER)},
            "32m",
        ),
    ],
    "CasemateQuotaRefusals": [
        Case("a burst", share(60, quota_exceeded=18), "8m", [OF_SCRIBE]),
        Case("not for long yet", share(60, quota_exceeded=18), "4m"),
        Case(
            "many ask for what does not exist",
            {**share(30, quota_exceeded=9), **asked("0+60x20", "404", "other")},
            "11m",
            [OF_SCRIBE],
        ),
        Case("a small share", share(60, quota_exceeded=9, check_refused=30), "15m"),
        Case("a large share of few", share(20, quota_exceeded=5, check_refused=15), "15m"),
    ],
    "CasematePersonsQuotaExceeded": [
        Case("too many persons", guarded("quota_persons", "0x2 1x9"), "5m", [OF_SCRIBE]),
        Case("by all together", guarded("quota_memory", "0x2 1x9"), "5m", [OF_SCRIBE]),
        Case("too many requests", guarded("quota_requests", "0x2 1x9"), "5m"),
    ],
    "CasemateRedLineBurst": [
        Case("many", guarded("red_line", "0+2x20"), "18m", [OF_SCRIBE]),
        Case("some", guarded("red_line", "0+1x20"), "18m"),
        Case("held for a person", guarded("held", "0+9x20"), "18m"),
    ],
}
