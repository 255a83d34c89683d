"""Isolation, serving and terms: for each alert when it fires and when it must not."""

from rules.promtool import Case
from rules.series import (
    CA,
    HEARD,
    LEADING,
    NOT_AFTER,
    OF_ONE_POD,
    OF_SCRIBE,
    agreement,
    counted,
    lasting,
    of_leader,
    proven,
    supplier,
)

ISOLATION = {
    "CasemateDeploymentNotIsolated": lasting("NetworkIsolated", "False", 0),
    "CasemateIsolationBroken": [
        Case(
            "an open way was found",
            counted("casemate_gateway_isolation_rounds_total", "0x2 1x9", 'verdict="NotEnforced"'),
            "4m",
            [OF_SCRIBE],
        ),
        Case(
            "rounds prove it",
            counted("casemate_gateway_isolation_rounds_total", "0+2x9", 'verdict="Enforced"'),
            "4m",
        ),
        Case(
            "rounds prove nothing",
            counted("casemate_gateway_isolation_rounds_total", "0+2x9", 'verdict="Inconclusive"'),
            "4m",
        ),
    ],
    "CasemateIsolationProofOld": [
        Case("proofs stopped", proven("0+60x2 120x9"), "6m", [OF_ONE_POD]),
        Case("not for long yet", proven("0+60x2 120x9"), "5m"),
        Case("they are fresh", proven("0+60x9"), "8m"),
        Case("a minute old is fresh", proven("-60+60x9"), "8m"),
        Case("none for a moment", proven("0+60x2 120x1 240+60x9"), "8m"),
    ],
    "CasemateWardenUnreachable": [
        Case("it is not heard", of_leader(HEARD, "0x20"), "4m", [LEADING]),
        Case("not for long yet", of_leader(HEARD, "0x20"), "3m"),
        Case("it is heard", of_leader(HEARD, "0+60x20"), "5m"),
    ],
    "CasemateWardenAbsent": [
        Case("nothing is scraped", {}, "6m", [{}]),
        Case("not for long yet", {}, "4m"),
        Case("it is there", {'casemate_warden_build_info{version="1"}': "1x9"}, "6m"),
    ],
    "CasemateForeignToken": [
        Case(
            "a token is used elsewhere",
            {'casemate_warden_refusals_total{reason="foreign_token"}': "0x2 1x9"},
            "5m",
            [{}],
        ),
        Case(
            "a bad token is not one of a pod",
            {'casemate_warden_refusals_total{reason="bad_token"}': "0x2 1x9"},
            "5m",
        ),
    ],
}

_WARDEN = 'namespace="casemate-system",pod="casemate-warden-0"'
SEEN = f'casemate_warden_witnessed_timestamp_seconds{{{_WARDEN},peer="%s"}}'
NOT_SIGNED = 'casemate_warden_witness_refusals_total{reason="%s"}'
WITNESSES = {
    "CasemateLogUnwitnessed": [
        Case(
            "nobody has signed for long",
            {SEEN % "casemate-warden-1": "0x20"},
            "11m",
            [{"namespace": "casemate-system", "pod": "casemate-warden-0"}],
        ),
        Case("not for long yet", {SEEN % "casemate-warden-1": "0x20"}, "10m"),
        Case("it is signed for", {SEEN % "casemate-warden-1": "0+60x20"}, "15m"),
        Case(
            "one of two signs",
            {SEEN % "casemate-warden-1": "0x20", SEEN % "casemate-warden-2": "0+60x20"},
            "15m",
        ),
        Case("there is nobody else", {}, "15m"),
    ],
    "CasemateLogContradicted": [
        *(
            Case(f"it is {why}", {NOT_SIGNED % why: "0x2 1x9"}, "5m", [{}])
            for why in ("contradicted", "changed_keys", "bad_signature")
        ),
        Case("a body was none", {NOT_SIGNED % "malformed": "0x2 1x9"}, "5m"),
        Case("nothing is refused", {NOT_SIGNED % "contradicted": "0x9"}, "5m"),
    ],
}

OLDEST = "casemate_warden_approval_oldest_seconds"
REPLICAS = ('job="wardens",instance="a:8081"', 'job="wardens",instance="b:8081"')


def waiting(*values: str) -> dict[str, str]:
    """How long the oldest request waits at each replica."""
    return {f"{OLDEST}{{{one}}}": own for one, own in zip(REPLICAS, values, strict=False)}


APPROVALS = {
    "CasemateApprovalWaiting": [
        Case("one waits", waiting("0+60x20"), "8m", [{}]),
        Case("another replica's waits", waiting("0x20", "0+60x20"), "8m", [{}]),
        Case("not for long yet", waiting("0+60x20"), "6m"),
        Case("others come and go", waiting("240x20", "120x20"), "9m"),
        Case("it was decided", waiting("0+60x6 0x9"), "8m"),
    ],
}

SERVING = {
    "CasemateGatewayNotReady": [
        Case("it stays so", counted("casemate_gateway_ready", "0x20"), "16m", [OF_ONE_POD]),
        Case("not for long yet", counted("casemate_gateway_ready", "0x20"), "14m"),
        Case("it starts", counted("casemate_gateway_ready", "0x10 1x9"), "16m"),
    ],
    "CasemateCertificateExpiryNear": [
        Case("three hours are left", counted(NOT_AFTER, "11000x20"), "12m", [OF_ONE_POD]),
        Case("not for long yet", counted(NOT_AFTER, "11000x20"), "9m"),
        Case("eight hours are left", counted(NOT_AFTER, "28800x20"), "12m"),
    ],
    "CasemateCAExpiryNear": [
        Case("90 days are left", of_leader(CA, "7776000x90"), "61m", [LEADING]),
        Case("not for long yet", of_leader(CA, "7776000x90"), "59m"),
        Case("110 days are left", of_leader(CA, "9504000x90"), "61m"),
    ],
}

TERMS = {
    "CasemateSupplierDeadlineNear": [
        Case("13 days are left", supplier("1123200x9"), "5m", [{"supplier": "lab"}]),
        Case("15 days are left", supplier("1296000x9"), "5m"),
        Case("nothing uses it", supplier("1123200x9", "0x9"), "5m"),
        Case("it is past", supplier("60x9"), "5m"),
    ],
    "CasemateSupplierDeadlineImminent": [
        Case("a day and a half is left", supplier("129600x9"), "5m", [{"supplier": "lab"}]),
        Case("three days are left", supplier("259200x9"), "5m"),
        Case("nothing uses it", supplier("86400x9", "0x9"), "5m"),
        Case("it is past", supplier("60x9"), "5m"),
    ],
    "CasemateAgreementEndNear": [
        Case("29 days are left", agreement("end", "2505600x9"), "5m", [{"agreement": "main"}]),
        Case("31 days are left", agreement("end", "2678400x9"), "5m"),
        Case("nothing runs under it", agreement("end", "2505600x9", "0x9"), "5m"),
        Case("it is past", agreement("end", "60x9"), "5m"),
    ],
    "CasemateAgreementStopNear": [
        Case(
            "two days are left",
            agreement("wind_down_end", "172800x9"),
            "5m",
            [{"agreement": "main"}],
        ),
        Case("four days are left", agreement("wind_down_end", "345600x9"), "5m"),
        Case("nothing runs under it", agreement("wind_down_end", "172800x9", "0x9"), "5m"),
        Case("it is past", agreement("wind_down_end", "60x9"), "5m"),
    ],
}
