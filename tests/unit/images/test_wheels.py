import re
from pathlib import Path

import pytest

import images
from images import wheels
from images.command import ImageError

HERE = Path(images.__file__).parent
LOCKS = [*sorted(HERE.glob("*.lock.txt")), wheels.PROJECT / "requirements/runtime.txt"]


@pytest.mark.parametrize("name", ["evil.pth", "sitecustomize.py", "usercustomize.py"])
def test_a_package_that_hooks_into_every_start_is_refused(tmp_path: Path, name: str):
    (tmp_path / "good.py").write_text("")
    wheels.refuse_start_hooks(tmp_path)
    (tmp_path / name).write_text("import os")
    with pytest.raises(ImageError, match=re.escape(name)):
        wheels.refuse_start_hooks(tmp_path)


def test_console_scripts_leave_with_their_records(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").write_text("#!/somewhere/python")
    record = tmp_path / "tool-1.dist-info/RECORD"
    record.parent.mkdir()
    record.write_text("../../bin/tool,sha256=x,1\ntool/__init__.py,sha256=y,2\n")
    wheels._drop_scripts(tmp_path)
    assert not (tmp_path / "bin").exists()
    assert record.read_text() == "tool/__init__.py,sha256=y,2\n"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_requirement_is_exact_and_hashed_and_names_no_address(lock: Path):
    text = lock.read_text()
    joined = text.replace("\\\n", "").splitlines()
    requirements = [line for line in joined if not line.lstrip().startswith("#")]
    assert requirements
    for requirement in requirements:
        assert re.match(r"[a-z0-9._-]+==[0-9]", requirement), requirement
        assert "--hash=sha256:" in requirement
    assert "://" not in text
