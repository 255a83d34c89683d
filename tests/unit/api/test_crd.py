"""The generated CRD obeys the rules, and the committed files are what the types say."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from casemate.api.crd import DEFINITIONS, MODEL_DEPLOYMENT, Definition
from generate.__main__ import ROOT, check, generated, write
from unit.api.cases import SPEC, changed
from unit.api.obeys import nodes, violations

EVERY = pytest.mark.parametrize("kind", DEFINITIONS, ids=lambda kind: kind.kind)
SMALL = {
    "TermsIndex": (-1, 0, -1),
    "ApprovalRequest": (15, 1, 5),
    "ApprovalDecision": (7, 1, 0),
    "ApprovalReview": (7, 1, 0),
    "KillSwitch": (6, 0, -1),
}
"""Kinds with few rules, defaults, and fields in lists: how many of each there are more than."""


def _least(kind: Definition) -> tuple[int, int, int]:
    return SMALL.get(kind.kind, (15, 5, 10))


@EVERY
def test_every_node_obeys_the_structural_rules(kind: Definition) -> None:
    schema = kind.schema()
    metadata = schema["properties"].pop("metadata")
    for name in ("apiVersion", "kind"):
        assert schema["properties"].pop(name)["type"] == "string"
    assert violations(schema) == []
    # The only parts of the metadata that a CRD may restrict are its names.
    assert metadata.keys() == {"type", "properties"}
    assert metadata["properties"].keys() == {"name"}


@EVERY
def test_every_field_has_a_description(kind: Definition) -> None:
    fields = [
        path for path, node in nodes(kind.schema()) if path.startswith((".spec", ".status"))
        if not path.endswith(("[]", "{}")) and not node.get("description")
    ]  # fmt: skip
    assert fields == []


@EVERY
def test_every_rule_has_a_sentence_of_one_line(kind: Definition) -> None:
    rules = [
        rule for _, node in nodes(kind.schema())
        for rule in node.get("x-kubernetes-validations", ())
    ]  # fmt: skip
    assert len(rules) > _least(kind)[0]
    assert [rule for rule in rules if not rule["message"] or "\n" in rule["message"]] == []


@EVERY
def test_defaults_are_themselves_accepted(kind: Definition) -> None:
    defaults = [(node, node["default"]) for _, node in nodes(kind.schema()) if "default" in node]
    assert len(defaults) > _least(kind)[1]
    for node, default in defaults:
        jsonschema.validate(default, node)


@EVERY
def test_no_item_of_a_list_has_a_default(kind: Definition) -> None:
    inside = [(path, node) for path, node in nodes(kind.schema()) if "[]" in path]
    assert len(inside) > _least(kind)[2]
    assert [path for path, node in inside if "default" in node] == []


def test_a_default_of_an_item_is_said_instead() -> None:
    (spec,) = (
        one.schema()["properties"]["spec"] for one in DEFINITIONS if "agreement" in one.plural
    )
    place = spec["properties"]["capacity"]["properties"]["profiles"]["items"]["properties"]
    effect = place["tolerations"]["items"]["properties"]["effect"]
    assert effect["description"] == "The taint's effect. Absent: NoSchedule."


def test_a_whole_spec_passes_the_plain_schema_and_a_broken_one_does_not() -> None:
    spec = MODEL_DEPLOYMENT.schema()["properties"]["spec"]
    jsonschema.validate(SPEC, spec)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed("replicas", -1), spec)


def test_the_committed_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(ROOT) == 0, capsys.readouterr().out


@EVERY
def test_the_chart_ships_the_same_definition(kind: Definition) -> None:
    name = f"casemate.dev_{kind.plural}.yaml"
    files = [ROOT / "crds" / name, ROOT / "charts" / "casemate" / "files" / "crds" / name]
    first, second = (yaml.safe_load(file.read_text()) for file in files)
    assert first == second == kind.custom_resource_definition()


def test_generating_twice_gives_the_same_bytes() -> None:
    assert generated() == generated()
    assert all(text.endswith("\n") for text in generated().values())


def test_check_shows_the_difference_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    assert check(tmp_path) == 0
    edited = tmp_path / "crds" / "casemate.dev_modeldeployments.yaml"
    edited.write_text(edited.read_text().replace("maximum: 1000\n", "maximum: 9000\n"))
    capsys.readouterr()
    assert check(tmp_path) == 1
    shown = capsys.readouterr()
    assert "maximum: 9000" in shown.out
    assert "maximum: 1000" in shown.out
    assert "make generate" in shown.err


def test_check_fails_on_a_missing_file(tmp_path: Path) -> None:
    write(tmp_path)
    assert check(tmp_path) == 0
    (tmp_path / "docs" / "reference" / "modeldeployment.md").unlink()
    assert check(tmp_path) == 1
