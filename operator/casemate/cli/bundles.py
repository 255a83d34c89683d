"""Opens exported evidence: a directory, or a tar that is read in place and never unpacked."""

import os
import stat
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from casemate.audit.bundle import Bundle, BundleError, Source


class Directory:
    """A directory of plain files."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names = set(_plain(root, root))

    def names(self) -> Collection[str]:
        """Return the names of all files."""
        return self._names

    def open(self, name: str) -> BinaryIO:
        """Open a file.

        Raises:
            BundleError: It is not there.
        """
        if name not in self._names:
            raise BundleError(name, "is missing")
        return (self._root / name).open("rb")


class Tar:
    """An uncompressed tar of plain files."""

    def __init__(self, tar: tarfile.TarFile, size: int) -> None:
        self._tar, self._members = tar, dict[str, tarfile.TarInfo]()
        for member in tar:
            if member.isdir():
                continue
            name = member.name.removeprefix("./")
            if not member.isreg() or member.issparse():
                raise BundleError(name, "is no plain file")
            if name in self._members:
                raise BundleError(name, "is there twice")
            if member.offset_data + member.size > size:
                raise BundleError(name, "is cut short")
            self._members[name] = member

    def names(self) -> Collection[str]:
        """Return the names of all files."""
        return self._members.keys()

    def open(self, name: str) -> BinaryIO:
        """Open a file.

        Raises:
            BundleError: It is not there.
        """
        if name not in self._members:
            raise BundleError(name, "is missing")
        return cast("BinaryIO", self._tar.extractfile(self._members[name]))


@contextmanager
def opened(path: Path) -> Iterator[Bundle]:
    """Open a bundle for as long as it is read.

    Raises:
        BundleError: It is none.
        OSError: It cannot be read.
    """
    if path.is_dir():
        yield _read(Directory(path))
        return
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            yield _read(Tar(tar, os.fstat(file.fileno()).st_size))
    except tarfile.TarError as error:
        raise BundleError(
            "", f"{path}: neither a directory nor an uncompressed tar: {error}"
        ) from error


def _read(source: Source) -> Bundle:
    return Bundle.read(source)


def _plain(root: Path, directory: Path) -> Iterator[str]:
    for entry in sorted(directory.iterdir()):
        name = str(entry.relative_to(root))
        mode = entry.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _plain(root, entry)
        elif stat.S_ISREG(mode):
            yield name
        else:
            raise BundleError(name, "is no plain file")
