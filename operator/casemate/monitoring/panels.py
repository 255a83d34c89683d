"""What the dashboard is made of, and how it looks as JSON of Grafana."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

WIDTH, HEIGHT = 8, 7
"""Of a panel, in units of the grid, which is 24 wide."""
_GRID = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


class Query(NamedTuple):
    """One line of a panel, or one for each series."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: Its heading.
        unit: Of its values, as Grafana spells it.
        queries: What it shows.
        text: What one should know to read it.
        kind: `timeseries`, `stat` or `table`.
    """

    title: str
    unit: str
    queries: tuple[Query, ...]
    text: str = ""
    kind: str = "timeseries"

    def document(self, number: int, x: int, y: int) -> dict[str, Any]:
        """Return the panel at its place."""
        now = self.kind != "timeseries"
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.text,
            "datasource": _SOURCE,
            "gridPos": {"h": HEIGHT, "w": WIDTH, "x": x, "y": y},
            "fieldConfig": {"defaults": {"unit": self.unit, "min": 0}, "overrides": []},
            "targets": [
                {
                    "refId": chr(ord("A") + index),
                    "datasource": _SOURCE,
                    "expr": query.expr,
                    "legendFormat": query.legend,
                    "instant": now,
                    "range": not now,
                    **({"format": "table"} if self.kind == "table" else {}),
                }
                for index, query in enumerate(self.queries)
            ],
        }


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def laid_out(rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    """Yield the headings and panels of rows, each at its place."""
    number, top = 0, 0
    for row in rows:
        number += 1
        place = {"h": 1, "w": _GRID, "x": 0, "y": top}
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "gridPos": place,
            "collapsed": False,
            "panels": [],
        }
        top += 1
        for index, panel in enumerate(row.panels):
            number += 1
            line, column = divmod(index * WIDTH, _GRID)
            yield panel.document(number, column, top + line * HEIGHT)
        top += -(-len(row.panels) * WIDTH // _GRID) * HEIGHT


def variable(name: str, label: str, query: str) -> dict[str, Any]:
    """Return a choice among values of a label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "sort": 1,
    }


def source() -> dict[str, Any]:
    """Return the choice of a Prometheus."""
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }
