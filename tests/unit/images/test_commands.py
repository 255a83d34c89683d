import re
import subprocess
import sys

import pytest

from images import rootfs
from images.build import select
from images.command import ImageError, run


def test_every_image_is_selected_when_none_is_named():
    assert [image.name for image in select([])] == [
        "casemate",
        "engine-xllamacpp",
        "model-smollm2",
        "client",
    ]


def test_an_unknown_image_is_refused_with_the_known_ones():
    with pytest.raises(ImageError, match="unknown image nginx; known are casemate, engine"):
        select(["client", "nginx"])


def test_the_command_line_says_what_is_wrong_and_fails():
    done = subprocess.run(
        [sys.executable, "-m", "images", "build", "nginx"],
        cwd=rootfs.__file__.rpartition("/images/")[0],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("images: unknown image nginx")


def test_a_missing_program_names_its_package():
    with pytest.raises(
        ImageError, match=r"no-such-tool is not installed: apt-get install no-such-tool"
    ):
        run("no-such-tool")


def test_a_failing_program_shows_the_end_of_its_output():
    assert run(sys.executable, "-c", "print('fine')") == "fine\n"
    with pytest.raises(ImageError, match=r"exit code 3:\n.*last words"):
        run(sys.executable, "-c", "import sys; print('last words', file=sys.stderr); sys.exit(3)")


def test_package_sources_are_those_of_this_machine_for_the_suite_of_the_images():
    sources = rootfs._sources()
    assert sources
    for line in sources:
        assert re.fullmatch(rf"deb \[signed-by=\S+\] \S+ {rootfs.SUITE}\S* main", line)
