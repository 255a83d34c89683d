"""What an expression of Prometheus asks for, as far as names can be told from its text."""

import re
from typing import NamedTuple

from support.metrics import Metric

SELECTOR = re.compile(r"\b(casemate[\w:]*)(?:\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!=|=|!~)\s*"([^"]*)"')
TARGET = {"namespace", "pod", "job", "instance", "model_deployment"}
"""Labels that the scrape adds."""


class Selector(NamedTuple):
    """A metric, and what its labels must be: name, operator, value."""

    metric: str
    matchers: list[tuple[str, str, str]]


def selectors(expr: str) -> list[Selector]:
    """Every selector of a metric of ours in an expression."""
    return [Selector(name, MATCHER.findall(inner or "")) for name, inner in SELECTOR.findall(expr)]


def dead(selector: Selector, known: dict[str, Metric], recorded: dict[str, set[str]]) -> list[str]:
    """Why a selector can never find anything, or nothing."""
    if selector.metric in recorded:
        labels: dict[str, set[str]] = {name: set() for name in recorded[selector.metric]}
    else:
        base = re.sub(r"_(bucket|sum|count)$", "", selector.metric)
        histogram = base in known and known[base].kind == "histogram"
        metric = known.get(base if histogram else selector.metric)
        if metric is None:
            return [f"{selector.metric} does not exist"]
        labels = metric.labels | ({"le": set()} if histogram else {})
    found = []
    for name, operator, value in selector.matchers:
        if name not in labels and name not in TARGET:
            found.append(f"{selector.metric} has no label {name}")
        elif labels.get(name) and not _some(labels[name], operator, value):
            found.append(f"{selector.metric}: no {name} is {operator} {value}")
        if operator == "=~" and labels.get(name):
            parts = value.strip("()").split("|") if "(" not in value[1:] else []
            lost = [one for one in parts if not _some(labels[name], "=~", one)]
            found += [f"{selector.metric}: no {name} is {one}" for one in lost]
    return found


def _some(values: set[str], operator: str, value: str) -> bool:
    if operator in {"=", "!="}:
        return value in values
    return any(re.fullmatch(value, one) for one in values)
