"""The operator: for each alert when it fires and when it must not."""

from rules.promtool import Case
from rules.series import BOTH, LEADER, LEADING, counted, failed, lasting, of_leader, passes

OPERATOR = {
    "CasemateOperatorAbsent": [
        Case("nothing is scraped", {}, "6m", [{}]),
        Case("not for long yet", {}, "4m"),
        Case("one replica is there", {f'casemate_build_info{{version="1",{LEADER}}}': "1x9"}, "6m"),
    ],
    "CasemateOperatorNotLeading": [
        Case("two follow", {f"casemate_leader{{{LEADER}}}": "0x9"}, "3m", [{}]),
        Case("not for long yet", {f"casemate_leader{{{LEADER}}}": "0x9"}, "1m"),
        Case("the Lease changes hands", {f"casemate_leader{{{LEADER}}}": "0x1 1x9"}, "3m"),
        Case("one leads", BOTH, "3m"),
    ],
    "CasemateReconcileErrors": [
        Case("a quarter fails", passes(15, transient=5), "15m", [{}]),
        Case("not for long yet", passes(15, transient=5), "9m"),
        Case("less than a fifth fails", passes(17, transient=4), "25m"),
        Case("by bugs of ours", passes(15, bug=5), "15m", [{}]),
        Case("few bugs", passes(17, bug=4), "25m"),
        Case("stalled ones are a person's to solve", passes(10, stalled=5), "25m"),
        Case("and hide no others", passes(17, transient=5, stalled=15), "25m", [{}]),
        Case("nothing is done", failed("transient", "0x40"), "25m"),
    ],
    "CasemateReconcileBug": [
        Case("one bug", failed("bug", "0x5 1x30"), "10m", [{}]),
        Case("it was long ago", failed("bug", "0x5 1x60"), "40m"),
        Case("the API server is away", failed("transient", "0+1x30"), "10m"),
    ],
    "CasemateReconcileStuck": [
        Case("a pass hangs", of_leader("casemate_queue_age_seconds", "0+60x9"), "4m", [LEADING]),
        Case("not for long yet", of_leader("casemate_queue_age_seconds", "0+60x9"), "3m"),
        Case("passes come to their end", of_leader("casemate_queue_age_seconds", "110x9"), "5m"),
        Case("a follower waits", of_leader("casemate_queue_age_seconds", "0x9", "0+60x9"), "5m"),
    ],
    "CasemateDeploymentStalled": lasting("Stalled", "True", 15),
    "CasemateDeploymentNotReady": lasting("Reconciling", "True", 30),
    "CasemateDriftContested": [
        Case(
            "a repair is put off",
            counted("casemate_contests_total", "0x2 1x9", 'kind="Service"', LEADER),
            "5m",
            [{"kind": "Service"}],
        ),
        Case("none is", counted("casemate_contests_total", "3x9", 'kind="Service"', LEADER), "5m"),
        Case(
            "repairs are made",
            counted("casemate_drift_repairs_total", "0+1x9", 'kind="Service"', LEADER),
            "5m",
        ),
    ],
    "CasemateGlassBroken": [
        Case(
            "somebody does",
            counted("casemate_break_glass_total", "0x2 1x9", 'kind="NetworkPolicy"', LEADER),
            "5m",
            [{"kind": "NetworkPolicy"}],
        ),
        Case(
            "nobody does",
            counted("casemate_break_glass_total", "4x9", 'kind="NetworkPolicy"', LEADER),
            "5m",
        ),
    ],
}
