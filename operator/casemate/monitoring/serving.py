"""Alerts about pods that do not serve, and certificates that end."""

from casemate.monitoring.expressions import POD, days, soon
from casemate.monitoring.model import Alert, Group, Severity

_LEFT = "(casemate_gateway_tls_certificate_not_after_timestamp_seconds - time())"
_CERTIFICATE_SECONDS = 4 * 3600
"""Certificates live 24 h and are renewed when 8 h are left."""
_CA_DAYS = 100
"""The CA is renewed when 120 days are left."""

SERVING = Group(
    "casemate-serving",
    (
        Alert(
            name="CasemateGatewayNotReady",
            severity=Severity.WARNING,
            expr="casemate_gateway_ready == 0",
            hold="15m",
            summary=f"{POD} is not ready.",
            description="For 15 minutes its gateway has refused its readiness probe; its log and"
            " `/readyz` say why.",
        ),
        Alert(
            name="CasemateCertificateExpiryNear",
            severity=Severity.CRITICAL,
            expr=f"{_LEFT} < {_CERTIFICATE_SECONDS}",
            hold="10m",
            summary=f"{POD} has a certificate that is not renewed.",
            description="It ends in {{ $value | humanizeDuration }}; then the pod stops answering.",
        ),
        Alert(
            name="CasemateCAExpiryNear",
            severity=Severity.CRITICAL,
            expr=soon("casemate_ca_expiry_timestamp_seconds", days(_CA_DAYS)),
            hold="1h",
            summary="The CA of the gateways is not renewed.",
            description="It ends in {{ $value | humanizeDuration }}; then no model is reached.",
        ),
    ),
)
