"""Rules of the tree that no other tool would notice."""

import operator
from pathlib import Path

import casemate

ROOT = Path(casemate.__file__).parents[1]


def test_the_source_root_never_shadows_the_standard_operator_module() -> None:
    assert (ROOT / "casemate" / "__init__.py").is_file()
    assert not (ROOT / "__init__.py").exists()
    assert operator.add(1, 1) == 2
