"""Where game records stand: SGF files, folders of them, and archives.

A broken file never stops a reading: it comes out as a `BrokenRecord`, as broken games do.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.errors import UserError
from engine.records.record import BrokenRecord, GameRecord
from engine.records.sgf import read_games

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MAX_FILE_BYTES = 1 << 28


def read_records(paths: Iterable[str | Path]) -> Iterator[GameRecord | BrokenRecord]:
    """The games of SGF files, of folders and of .zip or .tar.gz archives, one at a time.

    Folders are searched with their subfolders, in the order of names. Raises UserError for a path
    that does not exist or holds no SGF at all; everything else that is wrong is a BrokenRecord.
    """
    found = [Path(path) for path in paths]
    for path in found:
        if not path.exists():
            raise UserError(f"'{path}' does not exist: give an SGF file, a folder or an archive")
    return _read_paths(found)


def _read_paths(paths: list[Path]) -> Iterator[GameRecord | BrokenRecord]:
    for path in paths:
        empty = True
        for item in _read_path(path):
            empty = False
            yield item
        if empty:
            raise UserError(
                f"'{path}' holds no SGF game: give a .sgf file, a .zip or .tar.gz of them, "
                "or a folder with some"
            )


def _read_path(path: Path) -> Iterator[GameRecord | BrokenRecord]:
    if not path.is_dir():
        try:
            yield from _read_file(path, path.name)
        except _UNREADABLE as error:
            raise UserError(f"'{path}' cannot be read as {_kind(path)}: {error}") from None
        return
    for file in sorted(path.rglob("*")):
        if file.name.lower().endswith((".sgf", *ARCHIVE_SUFFIXES)) and file.is_file():
            label = str(file.relative_to(path))
            try:
                if _is_archive(file):
                    yield from _read_file(file, label)
                else:
                    yield from _read_member(file.read_bytes(), label)
            except _UNREADABLE as error:
                yield BrokenRecord(label, f"cannot be read as {_kind(file)}: {error}")


_UNREADABLE = (OSError, zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError)


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


def _kind(path: Path) -> str:
    return "an archive" if _is_archive(path) else "a file"


def _read_file(path: Path, label: str) -> Iterator[GameRecord | BrokenRecord]:
    if not _is_archive(path):
        yield from read_games(path.read_bytes(), label)
        return
    members = _zip_members if path.name.lower().endswith(".zip") else _tar_members
    some = False
    try:
        for name, data in members(path):
            some = True
            yield from _read_member(data, f"{label}/{name}")
    except _UNREADABLE as error:
        # The games before the damage stand.
        if not some:
            raise
        yield BrokenRecord(label, f"the archive is damaged: {error}")


def _read_member(data: bytes | None, label: str) -> Iterator[GameRecord | BrokenRecord]:
    """The games of one of many files, where a file without any is a broken record."""
    if data is None:
        yield BrokenRecord(label, f"larger than {MAX_FILE_BYTES >> 20} MB: split the file")
        return
    empty = True
    for item in read_games(data, label):
        empty = False
        yield item
    if empty:
        yield BrokenRecord(label, "no SGF game in it")


def _zip_members(path: Path) -> Iterator[tuple[str, bytes | None]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.lower().endswith(".sgf"):
                fits = info.file_size <= MAX_FILE_BYTES
                yield info.filename, archive.read(info) if fits else None


def _tar_members(path: Path) -> Iterator[tuple[str, bytes | None]]:
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            if member.isfile() and member.name.lower().endswith(".sgf"):
                file = archive.extractfile(member) if member.size <= MAX_FILE_BYTES else None
                yield member.name, file.read() if file else None
