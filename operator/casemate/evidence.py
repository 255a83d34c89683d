"""What gateways and the warden agree on about records of requests: path, kinds, headers."""

RECORDS_PATH = "/v1/records"
RECEIPTS_PATH = "/v1/receipts"
RECEIPT_SECONDS = 3.0
"""How long it may take to show where a record is."""
ELSEWHERE = "elsewhere"
"""Reason of a replica that is not the one to ask; its answer, 421, names that one in `replica`."""
ELSEWHERE_STATUS = 421
BUSY = frozenset(("log_busy", "log_unavailable", "unchecked", "stops_unknown"))
"""Reasons of a replica that cannot do now, with 503, what another one may be able to."""
KEY = "key"
"""Field of a record: some random text, by which a replica knows one that it is sent twice."""
KEY_BYTES = 16
APPEND_SECONDS = 5.0
"""How long a record may take until it is on the warden's disk; then the request is refused."""
INTENT, OUTCOME, REFUSED = "intent", "outcome", "refused"
DECISION_HEADER = "Casemate-Decision"
"""Names the record of a request, such as `casemate-warden-0/17`."""
SALT_HEADER = "Casemate-Salt"
"""In hexadecimal: with it, a caller can show later what the digests of its records are of."""
SALT_BYTES = 32
SEALED = "sealed"
"""Field beside a record: the content that its part names by digest, sealed, in base64."""
MOST_CONTENT = 4 << 20
"""Bytes of one request or answer that can be kept sealed."""
