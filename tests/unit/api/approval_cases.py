"""Pairs for what is held, what people say about it, and what is stopped."""

from functools import partial

from support.approvals import DIGEST, PEM, REQUEST_SPEC, decision, request, review, switch
from unit.api import cases
from unit.api.cases import ABSENT, Json, shown

Request = partial(cases.Pair, kind="ApprovalRequest")
Decision = partial(cases.Pair, kind="ApprovalDecision")
Review = partial(cases.Pair, kind="ApprovalReview")
Switch = partial(cases.Pair, kind="KillSwitch")

_WHERE = {"namespace": "models", "name": "m"}
UID = "00000000-0000-4000-8000-0000000000a1"
APPROVER = "admin"
"""Whose name the decisions carry: who makes them, on the API server, is the administrator."""
_WHO: Json = {"username": APPROVER}
_HELD = request("ar-1")
_HELD["metadata"]["uid"] = UID
SPECS: dict[str, Json] = {
    "ApprovalRequest": REQUEST_SPEC,
    "ApprovalDecision": decision(_HELD, APPROVER)["spec"],
    "ApprovalReview": review(_HELD, APPROVER)["spec"],
    "KillSwitch": switch("s", "eve", scope="Deployment", deployment=_WHERE)["spec"],
}
"""An accepted spec by kind."""
NAMES = {"ApprovalDecision": f"ar-1.by-{APPROVER}"}
"""Names of objects by kind, where not all do."""
cases.SPECS.update(SPECS)

_REQUIRED = ("Required value",)
_ONE_LINE = "one line of text, not blank"

REQUESTS = [
    *(
        Request(f"a held request without {field}", field, REQUEST_SPEC[field], ABSENT, _REQUIRED)
        for field in REQUEST_SPEC
    ),
    Request("a digest in capitals", "requestDigest", DIGEST, DIGEST.upper(),
            (shown(DIGEST.upper()), "must be a SHA-256 of 64 lower-case hex digits")),
    Request("a digest that is too short", "requestDigest", DIGEST, DIGEST[1:],
            ("must be a SHA-256 of 64 lower-case hex digits",)),
    Request("a deployment of no uid", "deployment.uid", UID, "1", ("the uid of an object",)),
    Request("terms of no digest", "agreement.digest", f"sha256:{DIGEST}", DIGEST,
            ("must be a digest, sha256:<64 hex digits>",)),
    Request("a policy of no digest", "guard.policy", f"sha256:{DIGEST}", "latest",
            ("must be a digest",)),
    Request("a requester with a hidden letter", "requester.username", "ada", "a\u200bda",
            (_ONE_LINE,)),
    Request("a short nonce", "nonce", "0" * 32, "0" * 31, ("a random number of 32 to 64",)),
    Request("a nonce that is no hex", "nonce", "0" * 32, "x" * 32, ("a random number",)),
    Request("an expiry on 30 February", "expiresAt", "2027-02-28T00:00:00Z",
            "2027-02-30T00:00:00Z", ("must be a moment in UTC",)),
    Request("nobody to approve", "approvers", 2, 0, ("greater than or equal to 1",)),
    Request("eleven to approve", "approvers", 10, 11, ("less than or equal to 10",)),
    Request("a record without log", "record", "casemate-warden-0/0", "/0", ("LOG/INDEX",)),
    Request("a record with a leading zero", "record", "w-0/10", "w-0/010", ("LOG/INDEX",)),
    Request("a single approver for force", "approvers", 2, 1,
            ("needs 2 approvers or more for use-of-force", "found 1")),
]  # fmt: skip
DECISIONS = [
    *(
        Decision(f"a decision without {field}", field, SPECS["ApprovalDecision"][field], ABSENT,
                 _REQUIRED)
        for field in SPECS["ApprovalDecision"]
    ),
    Decision("a verdict of another word", "verdict", "Approve", "Allow",
             (shown("Allow"), '"Approve", "Deny", "Revoke"')),
    Decision("a word as reason", "justification", "0123456789", "012345678",
             ("should be at least 10 chars long",)),
    Decision("a reason that nobody reads", "justification", "x" * 1000, "x" * 1001,
             ("Too long: may not be more than 1000",)),
    Decision("a blank reason", "justification", f"{' ' * 9}x", " " * 10,
             ("one line of 10 to 1000 characters",)),
    Decision("a reason of two lines", "justification", "one line only", "one line\nand another",
             ("one line of 10 to 1000 characters",)),
    Decision("a request of no uid", "request.uid", UID, "u-1", ("the uid of an object",)),
    Decision("an approver without name", "approver", _WHO, {"uid": "u"}, _REQUIRED,
             "approver.username"),
    Decision("an approver of a thousand groups", "approver",
             _WHO | {"groups": ["g"] * 256}, _WHO | {"groups": ["g"] * 257},
             ("must have at most 256 items",), "approver.groups"),
]  # fmt: skip
REVIEWS = [
    *(
        Review(f"a review without {field}", field, SPECS["ApprovalReview"][field], ABSENT,
               _REQUIRED)
        for field in SPECS["ApprovalReview"]
    ),
    Review("a key that is none", "publicKey", PEM, "ssh-ed25519 AAAA", ("an X25519 public key",)),
    Review("a private key", "publicKey", PEM, PEM.replace("PUBLIC", "PRIVATE"),
           ("an X25519 public key in PEM",)),
    Review("a reader without name", "reviewer", _WHO, {"uid": "u"}, _REQUIRED,
           "reviewer.username"),
]  # fmt: skip
SWITCHES = [
    *(
        Switch(f"a switch without {field}", field, SPECS["KillSwitch"][field], ABSENT, _REQUIRED)
        for field in ("scope", "reason", "stoppedBy")
    ),
    Switch("a switch for some", "scope", "Deployment", "Some", (shown("Some"), '"Deployment"')),
    Switch("a switch for one that it does not name", "deployment", _WHERE, ABSENT,
           ("needs deployment with scope Deployment, and with no other", "found Deployment")),
    Switch("a switch for one and all", "scope", "Deployment", "All",
           ("needs deployment with scope Deployment, and with no other", "found All"),
           "deployment"),
    Switch("a switch for an agreement that it does not name", "scope", "Deployment", "Agreement",
           ("needs agreementRef with scope Agreement, and with no other", "found Agreement"),
           "agreementRef"),
]  # fmt: skip

PAIRS = [*REQUESTS, *DECISIONS, *REVIEWS, *SWITCHES]
