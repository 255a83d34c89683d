"""What burns an error budget: by what is recorded, at each limit, and by what happens."""

from casemate.monitoring.slo import ERRORS, OBJECTIVES, Objective
from rules.promtool import Case
from rules.series import OF_SCRIBE, asked, counted, proven, refused, share

# Long and short window, and how many times the budget, of the SRE workbook's table.
FAST = (("1h", "5m", 14.4), ("6h", "30m", 6.0))
SLOW = (("1d", "2h", 3.0), ("3d", "6h", 1.0))
TARGETS = {
    "guarded-answers": 0.995,
    "judged": 0.999,
    "isolation-proven": 0.999,
    "records-kept": 0.99,
    "approvals-decided": 0.9,
}
OF_ALL = {"records-kept", "approvals-decided"}
"""What is not told by deployment."""
ABOVE, BELOW = 1.05, 0.95


def recorded(slo: str, **shares: float) -> dict[str, str]:
    """Shares of bad ones, by window."""
    own = f'{{slo="{slo}",namespace="tax",model_deployment="scribe"}}'
    return {f"{ERRORS}{window[1:]}{own}": f"{value:.6f}x9" for window, value in shares.items()}


def at_limits(slo: str, windows: tuple[tuple[str, str, float], ...]) -> list[Case]:
    """Just above and just below each limit."""
    other = next(one for one in TARGETS if one != slo)
    found = []
    for long, short, factor in windows:
        limit = factor * (1 - TARGETS[slo])
        for name, whole, last, of in (
            ("both", ABOVE, ABOVE, slo),
            ("not for long", BELOW, ABOVE, slo),
            ("it is over", ABOVE, BELOW, slo),
            ("another objective", 9, 9, other),
            ("another one's long window", 9, 9, ""),
        ):
            series = {
                **recorded(of or other, **{f"_{long}": whole * limit}),
                **recorded(of or slo, **{f"_{short}": last * limit}),
            }
            fires = [{"slo": slo, **OF_SCRIBE}] if name == "both" else []
            found.append(Case(f"{long}: {name}", series, "5m", fires))
    return found


def _alerts(objective: Objective) -> dict[str, list[Case]]:
    return {
        f"{objective.alert}BurnFast": at_limits(objective.name, FAST),
        f"{objective.alert}BurnSlow": at_limits(objective.name, SLOW),
    }


BURNS = {name: cases for one in OBJECTIVES for name, cases in _alerts(one).items()}

WARDEN = 'job="wardens",instance="a:8081"'


def timed(histogram: str, limit: str, within: int, late: int) -> dict[str, str]:
    """So many a minute within a limit, and so many later."""
    own = f'le="{limit}"'
    return {
        **counted(f"{histogram}_bucket", f"0+{within}x20", own, WARDEN),
        **counted(f"{histogram}_count", f"0+{within + late}x20", target=WARDEN),
    }


def decided(within: int, late: int, expired: int = 0) -> dict[str, str]:
    """Held requests a minute, by how people decided them."""
    name = "casemate_warden_approval_decisions_total"
    return {
        **timed("casemate_warden_approval_seconds", "300.0", within, late),
        **counted(name, f"0+{expired}x20", 'outcome="expired"', WARDEN),
    }


AVAILABILITY = "guarded-answers"
HAPPENS = [
    ("a tenth fails", AVAILABILITY, {**asked("0+10x20", "503"), **asked("0+90x20")}, 0.1),
    (
        "also where streams are cut",
        AVAILABILITY,
        {**asked("0+10x20", "502"), **asked("0+90x20")},
        0.1,
    ),
    ("clients err", AVAILABILITY, {**asked("0+50x20", "400"), **asked("0+50x20")}, 0),
    ("the guard refuses", AVAILABILITY, {**share(100, check_refused=50)}, 0),
    ("quotas are used up", AVAILABILITY, {**asked("0+50x20", "429"), **asked("0+50x20")}, 0),
    (
        "lists of models fail",
        AVAILABILITY,
        {**asked("0+50x20", "503", "/v1/models"), **asked("0+50x20")},
        0,
    ),
    ("nobody asks", AVAILABILITY, asked("7x20"), None),
    ("a fiftieth cannot be judged", "judged", share(100, guard_unavailable=2), 0.02),
    ("nor is it isolated", "judged", share(100, guard_unavailable=2, not_isolated=1), 0.03),
    ("verdicts", "judged", share(100, check_refused=50, quota_exceeded=20), 0),
    (
        "what does not exist counts for nothing",
        "judged",
        {**share(100, not_isolated=2), **asked("0+300x20", "404", "other")},
        0.02,
    ),
    ("engines fail", "judged", {**refused("engine_unavailable", "0+9x20"), **asked("0+90x20")}, 0),
    ("proofs are fresh", "isolation-proven", proven("0+60x20"), 0),
    ("one is not", "isolation-proven", proven("0x20"), 1),
    (
        "a disk is slow now and then",
        "records-kept",
        timed("casemate_warden_append_seconds", "0.1", 98, 2),
        0.02,
    ),
    ("all are fast", "records-kept", timed("casemate_warden_append_seconds", "0.1", 9, 0), 0),
    ("none come", "records-kept", timed("casemate_warden_append_seconds", "0.1", 0, 0), None),
    ("people are slow", "approvals-decided", decided(80, 20), 0.2),
    ("and miss some", "approvals-decided", decided(60, 20, 20), 0.4),
    ("people are quick", "approvals-decided", decided(9, 0), 0),
    ("nothing is held", "approvals-decided", decided(0, 0), None),
]
"""What happens, the objective, and the share that is bad in five minutes; None: unknown."""
