"""Files of a bundle have one spelling each; what cannot be read is named by its file."""

from collections.abc import Callable

import pytest

from casemate.audit import bundle as files
from casemate.audit.bundle import MOST_FILE, BundleError
from casemate.audit.findings import Verdict
from casemate.audit.verify import verify
from support.evidence import PODS, Memory, World, opened, whole

CHECKPOINTS, CONTENTS = files.checkpoint_file(PODS[0]), files.content_file(PODS[0])
Change = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def world() -> World:
    return whole()


def blank(raw: bytes) -> bytes:
    return raw.replace(b'":', b'": ', 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (blank, "not in the one form"),
        (lambda raw: raw + b"\n", "not in the one form"),
        (lambda raw: raw.replace(b"}", b',"contents":true}'), "not in the one form"),
        (lambda raw: raw.replace(b"v1", b"v2"), "format: "),
        (lambda raw: raw.replace(b"warden-1", b"warden-0"), "logs: one is named twice"),
        (lambda raw: raw.replace(b"true", b"1"), "contents: "),
        (lambda raw: raw.replace(b"{", b'{"a":1,'), "a: "),
        (lambda raw: raw[:-3], ""),
        (lambda _: b" " * (MOST_FILE + 1), "more than 16777216 bytes"),
    ],
    ids=["blank", "line", "twice", "format", "log twice", "type", "field", "cut", "large"],
)
def test_a_manifest_that_is_none_is_refused(world: World, change: Change, told: str) -> None:
    held = world.export()
    held[files.MANIFEST] = change(held[files.MANIFEST])
    with pytest.raises(BundleError, match=f"^bundle.json: .*{told}"):
        opened(held)


def test_control_a_manifest_is_read(world: World) -> None:
    assert opened(world.export()).manifest.logs == PODS


@pytest.mark.parametrize("name", [files.MANIFEST, files.POLICY])
def test_a_bundle_needs_both(world: World, name: str) -> None:
    held = world.export()
    del held[name]
    with pytest.raises(BundleError, match=f"^{name}: is missing"):
        opened(held)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (CONTENTS, blank),
        (CONTENTS, lambda raw: raw.replace(b'"seq":', b'"seq":0,"seq":', 1)),
        (CONTENTS, lambda raw: raw.replace(b'"part"', b'"parts"', 1)),
        (CONTENTS, lambda raw: b"[]\n" + raw),
        (CONTENTS, lambda raw: raw[:-1]),
        (CHECKPOINTS, lambda raw: b" " + raw),
        (CHECKPOINTS, lambda raw: raw.replace(b"casemate", b"\\u0063asemate", 1)),
        (CHECKPOINTS, lambda raw: b"1\n" + raw),
        (CHECKPOINTS, lambda raw: raw[:-1]),
    ],
    ids=["blank", "twice", "field", "no object", "no end", "note blank", "note escape",
         "no string", "note no end"],
)  # fmt: skip
def test_a_line_in_another_spelling_is_found(world: World, name: str, change: Change) -> None:
    held = world.export()
    assert change(held[name]) != held[name]
    held[name] = change(held[name])
    report = verify(opened(held), world.policy)
    assert report.verdict is Verdict.BROKEN
    assert any(one.log == PODS[0] and f"/{one.field}" in name for one in report.findings.kept)


def test_a_line_that_does_not_end_is_not_read_to_its_end() -> None:
    source = Memory({"x": b"a\n" + b"b" * 100})
    lines = files.lines(source, "x", 10)
    assert next(lines) == b"a"
    with pytest.raises(BundleError, match=r"^x: line 2 is cut short, or longer than 10"):
        next(lines)
