"""Kill switches: for each alert when it fires and when it must not."""

from rules.promtool import Case
from rules.series import OF_ONE_POD, counted

_STOPPED = {**OF_ONE_POD, "why": "stops_unknown"}


def _switches(scope: str, values: str, pod: str = "casemate-warden-0") -> dict[str, str]:
    return {f'casemate_warden_kill_switches{{scope="{scope}",pod="{pod}"}}': values}


def _stopped(why: str, values: str) -> dict[str, str]:
    return counted("casemate_gateway_stopped", values, f'why="{why}"')


STOPS = {
    "CasemateStopped": [
        Case("one deployment is", _switches("Deployment", "1x9"), "1m", [{"scope": "Deployment"}]),
        Case(
            "two replicas see one switch",
            {**_switches("All", "1x9"), **_switches("All", "1x9", "casemate-warden-1")},
            "1m",
            [{"scope": "All"}],
        ),
        Case("nothing is", {**_switches("All", "0x9"), **_switches("Agreement", "0x9")}, "5m"),
        Case("it is lifted", _switches("All", "1x2 0x9"), "4m"),
    ],
    "CasemateStopsUnknown": [
        Case("nobody tells", _stopped("stops_unknown", "1x9"), "3m", [_STOPPED]),
        Case("not for long yet", _stopped("stops_unknown", "1x9"), "1m"),
        Case("a switch is on", _stopped("stopped", "1x9"), "5m"),
        Case("it starts", _stopped("stops_unknown", "1x1 0x9"), "5m"),
    ],
}
