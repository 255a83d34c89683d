"""fieldsV1 read as paths: found, removed, written for people."""

from copy import deepcopy

import pytest

from casemate.core import fields
from casemate.core.fields import Foreign, foreign_fields, get, without
from unit.api.cases import Json

BODY: Json = {
    "spec": {
        "ports": [{"port": 1, "protocol": "TCP"}, {"port": 1, "protocol": "UDP"}],
        "sets": ["a", "b"],
        "deep": {"only": {"one": 1}},
        "zero": 0,
    }
}
UDP = ("f:spec", "f:ports", 'k:{"port":1,"protocol":"UDP"}')


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("f:spec", "f:zero"), 0),
        (UDP, {"port": 1, "protocol": "UDP"}),
        ((*UDP, "."), {"port": 1, "protocol": "UDP"}),
        ((*UDP, "f:protocol"), "UDP"),
        (("f:spec", "f:sets", 'v:"b"'), "b"),
        (("f:spec", "f:sets", 'v:"c"'), None),
        (("f:spec", "f:nothing", "f:below"), None),
        (("f:spec", "f:ports", 'k:{"port":2}'), None),
        (("f:spec", "f:zero", "f:below"), None),
        (("f:spec", "i:0"), None),
        ((), BODY),
    ],
)
def test_a_value_is_found_by_its_path(path: fields.Path, value: object) -> None:
    assert get(BODY, path) == value


@pytest.mark.parametrize(
    ("path", "left"),
    [
        (("f:spec", "f:deep", "f:only", "f:one"), BODY["spec"].keys() - {"deep"}),
        (("f:spec", "f:deep"), BODY["spec"].keys() - {"deep"}),
        (("f:spec", "f:nothing"), BODY["spec"].keys()),
        (UDP, BODY["spec"].keys()),
        (("f:spec", "f:sets", 'v:"a"'), BODY["spec"].keys()),
    ],
)
def test_a_value_is_removed_with_what_it_leaves_empty(path: fields.Path, left: set[str]) -> None:
    before = deepcopy(BODY)
    result = without(BODY, [path])
    assert result["spec"].keys() == left
    assert get(result, path) is None
    assert before == BODY


def test_both_items_of_a_list_may_go() -> None:
    tcp = ("f:spec", "f:ports", 'k:{"port":1,"protocol":"TCP"}')
    assert "ports" not in without(BODY, [tcp, UDP])["spec"]
    assert without(BODY, [tcp])["spec"]["ports"] == [{"port": 1, "protocol": "UDP"}]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("f:spec", "f:replicas"), "spec.replicas"),
        ((*UDP, "f:protocol"), "spec.ports[port=1,protocol=UDP].protocol"),
        (("f:spec", "f:sets", 'v:"a"'), "spec.sets[a]"),
    ],
)
def test_a_path_is_written_for_people(path: fields.Path, text: str) -> None:
    assert fields.dotted(path) == text


def entry(**other: object) -> Json:
    mine = {"manager": "x", "operation": "Update", "time": "t", "fieldsV1": {"f:spec": {"f:a": {}}}}
    return mine | other


@pytest.mark.parametrize(
    ("found", "paths"),
    [
        (entry(), [("f:spec", "f:a")]),
        (entry(manager="casemate", operation="Apply"), []),
        (entry(manager="casemate"), [("f:spec", "f:a")]),
        (entry(operation="Apply"), [("f:spec", "f:a")]),
        (entry(subresource="scale"), [("f:spec", "f:a")]),
        (entry(fieldsV1={"f:status": {"f:a": {}}}), []),
        (
            entry(subresource="status", fieldsV1={"f:status": {}, "f:metadata": {"f:a": {}}}),
            [("f:metadata", "f:a")],
        ),
        (entry(fieldsV1={}), []),
        (entry(fieldsV1={"f:a": {".": {}, "f:b": {}}}), [("f:a", "."), ("f:a", "f:b")]),
    ],
    ids=[
        "somebody's update",
        "our apply",
        "an update under our name",
        "somebody's apply",
        "a subresource",
        "status",
        "metadata beside a status",
        "nothing",
        "an item and its parts",
    ],
)
def test_fields_of_others_are_told_from_ours(found: Json, paths: list[fields.Path]) -> None:
    wanted = [Foreign(found["manager"], "t", path) for path in paths]
    assert list(foreign_fields([found])) == wanted
