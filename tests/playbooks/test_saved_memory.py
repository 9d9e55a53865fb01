"""Files that libvirt saved a machine in, read and poured into a pipe with another definition."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_saved_memory import HEADER_BYTES, WORDS, beginning_with, poured, read_saved

MEMORY = bytes(range(256)) * 20_000  # more than a pipe holds


def saved_file(folder: Path, *, cookie: bytes = b"<cookie/>", version: int = 2, compressed: int = 0) -> Path:
    xml = b"<domain><name>golden</name></domain>\0"
    data = (xml + (cookie + b"\0" if cookie else b"")).ljust(65_537, b"\0")
    words = WORDS.pack(b"LibvirtQemudSave", version, len(data), 1, compressed, len(xml) if cookie else 0)
    file = folder / "memory.sav"
    file.write_bytes(words.ljust(HEADER_BYTES, b"\0") + data + MEMORY)
    return file


def read_all(pipe: Path, size: int) -> bytes:
    """As libvirt and QEMU do: as much as they know must come."""
    descriptor, data = os.open(pipe, os.O_RDONLY), b""
    while len(data) < size:
        data += os.read(descriptor, size - len(data))
    os.close(descriptor)
    return data


def test_a_saved_file_is_taken_apart(tmp_path: Path) -> None:
    saved = read_saved(saved_file(tmp_path))
    assert (saved.xml, saved.cookie, saved.running) == ("<domain><name>golden</name></domain>", b"<cookie/>", True)
    assert saved.stream_at == HEADER_BYTES + 65_537


@pytest.mark.parametrize("cookie", [b"<cookie/>", b""])
@pytest.mark.parametrize("name", ["w", "a much longer name " * 10_000])
def test_what_is_poured_is_a_file_of_the_same_kind(tmp_path: Path, cookie: bytes, name: str) -> None:
    file, pipe = saved_file(tmp_path, cookie=cookie), tmp_path / "pipe"
    saved, xml = read_saved(file), f"<domain><name>{name}</name></domain>"
    with poured(file, saved, xml, pipe):
        came = read_all(pipe, len(beginning_with(saved, xml)) + len(MEMORY))
    (tmp_path / "copy").write_bytes(came)
    copy = read_saved(tmp_path / "copy")
    assert (copy.xml, copy.cookie, came[copy.stream_at :]) == (xml, cookie, MEMORY)
    assert not pipe.exists()


def test_nobody_waits_when_nobody_reads(tmp_path: Path) -> None:
    file, pipe = saved_file(tmp_path), tmp_path / "pipe"
    with poured(file, read_saved(file), "<domain/>", pipe):
        assert pipe.is_fifo()
    assert not pipe.exists()


@pytest.mark.parametrize("changes", [{"version": 3}, {"compressed": 1}])
def test_what_cannot_be_restored_is_refused(tmp_path: Path, changes: dict[str, int]) -> None:
    with pytest.raises(Refused):
        read_saved(saved_file(tmp_path, **changes))  # type: ignore[arg-type]


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "memory.sav"
    file.write_bytes(b"QEVM" * 40)
    with pytest.raises(Refused):
        read_saved(file)
