"""Metrics that say what their labels mean; the reference in the docs is made of what is said here.

A label either has fixed values, which are all there before anything is counted, so that the first
event is seen as a rise; or it names something that people have made or that has a version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics import MetricWrapperBase

# A second series for each counter, with its time of birth: nobody asks for it here.
disable_created_metrics()  # type: ignore[no-untyped-call]

M = TypeVar("M", bound=MetricWrapperBase)


@dataclass(frozen=True)
class Label:
    """A label of a metric.

    Attributes:
        meaning: What it says.
        values: All that it can be; none where it is a name, a digest or a version.
    """

    meaning: str
    values: tuple[str, ...] = ()


def one_of(meaning: str, *values: str) -> Label:
    """A label with fixed values."""
    return Label(meaning, tuple(map(str, values)))


class Family(GaugeMetricFamily):
    """Gauges that are read at scrape time."""

    def __init__(self, name: str, text: str, /, **labels: Label) -> None:
        super().__init__(name, text, labels=list(labels))
        self.meanings: Mapping[str, Label] = labels


class Meter:
    """Makes the metrics of one program.

    Attributes:
        registry: Where they are.
        meanings: The labels of each metric, by its name; a counter's without `_total`.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.meanings: dict[str, Mapping[str, Label]] = {}

    def counter(self, name: str, text: str, /, **labels: Label) -> Counter:
        """Make a counter."""
        return self._made(Counter(name, text, list(labels), registry=self.registry), name, labels)

    def gauge(self, name: str, text: str, /, **labels: Label) -> Gauge:
        """Make a gauge."""
        return self._made(Gauge(name, text, list(labels), registry=self.registry), name, labels)

    def histogram(
        self, name: str, text: str, buckets: Sequence[float], /, **labels: Label
    ) -> Histogram:
        """Make a histogram."""
        made = Histogram(name, text, list(labels), registry=self.registry, buckets=buckets)
        return self._made(made, name, labels)

    def _made(self, metric: M, name: str, labels: Mapping[str, Label]) -> M:
        self.meanings[name.removesuffix("_total")] = labels
        if labels and all(label.values for label in labels.values()):
            for values in product(*(label.values for label in labels.values())):
                metric.labels(*values)
        return metric
