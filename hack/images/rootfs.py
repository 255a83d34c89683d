"""The base of every image: a Debian user land that holds Python 3.11 and nothing to log in with.

``mmdebstrap`` extracts packages with their dependencies but runs none of their scripts, so no shell
is needed and none is brought. Copyright files stay, and so does one control file per package, which
is where image scanners look.
"""

import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from images import oci
from images.command import ImageError, run

SUITE = "bookworm"
PYTHON = "python3.11"
PACKAGES = (PYTHON, "libstdc++6", "libgomp1")  # the last two for frozenlist and for the engine
SITE_PACKAGES = f"usr/local/lib/{PYTHON}/dist-packages"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

_HOOKS = "/usr/share/mmdebstrap/hooks/merged-usr"
_KEEP_CONTROL = (
    'mkdir -p "$1/var/lib/dpkg/status.d" && for deb in "$1"/var/cache/apt/archives/*.deb; do '
    'dpkg-deb -f "$deb" > "$1/var/lib/dpkg/status.d/$(dpkg-deb -f "$deb" Package)"; done'
)
_UNUSED = (
    "dev",
    "etc/*",
    "usr/bin/[!p]*",
    "usr/bin/p[!y]*",
    "usr/bin/pdb*",
    "usr/bin/pydoc*",
    "usr/bin/pygettext*",
    "usr/games",
    "usr/include",
    "usr/lib/*-linux-gnu/gconv",
    "usr/lib/dpkg",
    "usr/lib/mime",
    "usr/lib/python3.11/lib2to3",
    "usr/lib/python3.11/pydoc_data",
    "usr/lib/python3.11/sitecustomize.py",
    "usr/lib/python3.11/test",
    "usr/lib32",
    "usr/libx32",
    "usr/libexec",
    "usr/sbin/*",
    "usr/share/[!d]*",
    "usr/share/d[!o]*",
    "var/cache",
    "var/lib/apt",
    "var/lib/dpkg/[!s]*",
    "var/lib/dpkg/status",
    "var/lib/dpkg/status-old",
    "var/log",
)
_FILES = {
    "etc/passwd": "root:x:0:0:root:/:/nologin\nnonroot:x:65532:65532:nonroot:/:/nologin\n",
    "etc/group": "root:x:0:\nnonroot:x:65532:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/os-release": (
        'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
        'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
    ),
}


def architecture() -> str:
    """Return the machine's architecture as OCI names it."""
    known = {"x86_64": "amd64", "aarch64": "arm64"}
    machine = platform.machine()
    if machine not in known:
        raise ImageError(f"no images for a {machine} machine; known are {', '.join(known)}")
    return known[machine]


def build_base(tree: Path) -> None:
    """Fill a directory with the base file system, its standard library compiled.

    Raises:
        ImageError: Packages could not be had, or the result does not run.
    """
    run(
        "mmdebstrap",
        "--quiet",
        "--variant=extract",
        f"--hook-dir={_HOOKS}",
        f"--extract-hook={_KEEP_CONTROL}",
        f"--include={','.join(PACKAGES)}",
        SUITE,
        str(tree),
        *_sources(),
        env={"SOURCE_DATE_EPOCH": str(oci.EPOCH)},
    )
    _strip(tree)
    for name, text in _FILES.items():
        (tree / name).write_text(text)
    for name in ("dev", "proc", "sys", "run", "etc", SITE_PACKAGES):
        (tree / name).mkdir(parents=True, exist_ok=True)
    compile_python(tree, f"usr/lib/{PYTHON}")


def compile_python(tree: Path, under: str) -> None:
    """Compile Python sources with the image's own interpreter.

    Compiled files carry the source's hash instead of its time and are never checked again, so they
    are the same in every build and need no writable file system at run time.
    """
    run(
        "chroot",
        str(tree),
        f"/usr/bin/{PYTHON}",
        *("-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        f"/{under}",
        env={"PYTHONHASHSEED": "0"},
    )


@contextmanager
def overlay(base: Path, work: Path) -> Iterator[Path]:
    """Lend a throw-away copy of the base, made of hard links, to add files to."""
    with tempfile.TemporaryDirectory(dir=work) as root:
        run("cp", "--archive", "--link", f"{base}/.", root)
        yield Path(root)


def _sources() -> list[str]:
    """Name the package sources this machine uses, for the suite that images are made of."""
    listed = run(
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
    )
    host = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    lines = []
    for line in sorted(set(listed.splitlines())):
        uri, release, component = line.split()
        if component == "main" and host and release.startswith(host):
            suite = release.replace(host, SUITE)
            lines.append(f"deb [signed-by={KEYRING}] {uri} {suite} {component}")
    if not lines:
        raise ImageError(
            "apt-get on this machine lists no Debian package source (component main); "
            "images are made from them: set one up and run apt-get update",
        )
    return lines


def _strip(tree: Path) -> None:
    for pattern in _UNUSED:
        for path in tree.glob(pattern):
            _remove(path)
    for path in (tree / "usr/share/doc").glob("*/*"):
        if path.name != "copyright":
            _remove(path)
    for link in tree.glob("lib*32"):
        link.unlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def smoke(tree: Path, code: str) -> None:
    """Run a line of Python inside a finished file system, as its unprivileged user.

    Raises:
        ImageError: It failed, which means that the image would fail too.
    """
    run("chroot", "--userspec=65532:65532", str(tree), f"/usr/bin/{PYTHON}", "-c", code)
