"""Parts of queries that several panels share; a reader of the dashboard chooses deployments."""

from casemate.monitoring.expressions import DAY
from casemate.monitoring.panels import Query

CHOSEN = 'namespace=~"$namespace",model_deployment=~"$deployment"'
"""The deployments that are chosen."""
BY = "namespace, model_deployment"


def rate(metric: str, *by: str, chosen: bool = True) -> str:
    """The rate of a counter by labels, of the chosen deployments or of all there is."""
    selector = f"{{{CHOSEN}}}" if chosen else ""
    return f"sum by ({', '.join(by)}) (rate({metric}{selector}[$__rate_interval]))"


def quantiles(histogram: str, *, chosen: bool = True) -> tuple[Query, ...]:
    """What half, most and nearly all stay under."""
    buckets = rate(f"{histogram}_bucket", "le", chosen=chosen)
    return tuple(
        Query(f"histogram_quantile({share}, {buckets})", f"p{share[2:]}")
        for share in ("0.50", "0.95", "0.99")
    )


def left(metric: str, label: str) -> str:
    """Days to a moment, for each name."""
    return f"(max by ({label}) ({metric}) - time()) / {DAY}"
