"""The metrics reference as it is written, and a scrape as it is read."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
_WORD = re.compile(r"`([^`]+)`")
_BUILT_IN = {"le", "quantile"}


@dataclass
class Metric:
    """A metric: its type, and its labels with their values; none where any is accepted."""

    kind: str
    labels: dict[str, set[str]] = field(default_factory=dict)


def documented(program: str, text: str | None = None) -> dict[str, Metric]:
    """What the page says of a program, by name."""
    page = PAGE.read_text() if text is None else text
    section = page.split(f"\n## {program}\n", 1)[1].split("\n## ", 1)[0]
    found: dict[str, Metric] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        first = _WORD.findall(cells[0])
        if first and cells[1] in {"counter", "gauge", "histogram"}:
            found[first[0]] = Metric(cells[1], {name: set() for name in _WORD.findall(cells[2])})
        elif first:
            for owner in _WORD.findall(cells[1]):
                found[owner].labels[first[0]] = set(_WORD.findall(cells[3]))
    return found


def everything() -> dict[str, Metric]:
    """All metrics of the page, by name."""
    return {
        name: metric
        for program in ("Operator", "Gateway", "Warden", "Console")
        for name, metric in documented(program).items()
    }


def shown(text: str) -> dict[str, Metric]:
    """What a scrape shows, by name, with the values of labels that it has."""
    found: dict[str, Metric] = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        metric = found.setdefault(name, Metric(family.type))
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label not in _BUILT_IN:
                    metric.labels.setdefault(label, set()).add(value)
    return found


def differences(page: dict[str, Metric], scrape: dict[str, Metric]) -> list[str]:
    """In what a scrape is not as the page says; a metric without a sample shows no labels."""
    found = [f"{name} is not scraped" for name in sorted(page.keys() - scrape.keys())]
    for name, metric in sorted(scrape.items()):
        known = page.get(name)
        if known is None:
            found.append(f"{name} is not documented")
            continue
        if known.kind != metric.kind:
            found.append(f"{name} is a {metric.kind}, not a {known.kind}")
        if metric.labels and metric.labels.keys() != known.labels.keys():
            found.append(f"{name} has labels {sorted(metric.labels)}")
        for label, values in metric.labels.items():
            accepted = known.labels.get(label, set())
            if accepted and not values <= accepted:
                found.append(f"{name}: {label} is {sorted(values - accepted)}")
    return found
