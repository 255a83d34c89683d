"""Every kind of child as YAML, for people to read and for changes to be seen.

CASEMATE_GOLDEN=write writes the files anew from what is rendered.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from casemate.core.observed import Settings
from unit.api.cases import IMAGE, SPEC
from unit.core.world import SETTINGS, World

GOLDEN = Path(__file__).with_name("golden")
SMALL: Any = SPEC
FULL: Any = SPEC | {
    "model": {
        "name": "open-lab/smollm2",
        "supplier": "open-lab",
        "source": {"claim": {"name": "weights", "path": "smollm2/model.gguf"}},
    },
    "engine": {
        "image": IMAGE,
        "command": ["serve"],
        "args": ["--model=$(CASEMATE_MODEL_PATH)"],
        "env": [{"name": "THREADS", "value": "4"}],
        "resources": {"requests": {"cpu": "2"}, "limits": {"memory": "4Gi"}},
        "port": 8000,
    },
    "replicas": 3,
    "access": {
        "clients": [
            {"podSelector": {"matchLabels": {"app": "planner"}}},
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "analysts"}},
                "podSelector": {
                    "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]
                },
            },
        ],
        "egress": [
            {"cidr": "10.20.0.0/24", "ports": [{"port": 443}]},
            {"cidr": "fd00:20::/48", "ports": [{"port": 443}]},
            {
                "podSelector": {"matchLabels": {"app": "archive"}},
                "ports": [{"port": 5432}, {"port": 514, "protocol": "UDP"}],
            },
        ],
        "dns": True,
    },
}
PULLING = replace(SETTINGS, monitoring_namespace="watchers", image_pull_secrets=("registry",))


@pytest.mark.parametrize(
    ("name", "spec", "settings"), [("small", SMALL, SETTINGS), ("full", FULL, PULLING)]
)
def test_what_is_rendered_is_what_the_golden_files_show(
    name: str, spec: Any, settings: Settings
) -> None:
    stages = World(spec).plan(settings).stages
    for number, stage in enumerate(stages, 1):
        for ref, body, *_ in stage:
            file = GOLDEN / name / f"{number}-{ref.kind.lower()}-{ref.name}.yaml"
            text = yaml.dump(body, Dumper=_Plain, sort_keys=False, width=100)
            if os.environ.get("CASEMATE_GOLDEN") == "write":
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            assert text == file.read_text(), f"CASEMATE_GOLDEN=write pytest {__file__}"
    rendered = sum(map(len, stages))
    assert rendered == len(list((GOLDEN / name).iterdir()))


class _Plain(yaml.SafeDumper):
    """Without anchors: containers share parts in memory."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base's signature
        return True
