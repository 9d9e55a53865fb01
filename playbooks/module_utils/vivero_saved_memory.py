"""Restoring a machine from another one's memory: libvirt's file of it with a definition of our own, poured into a pipe.

libvirt reads such a file from its beginning to its end, so a pipe will do: the definition is written into it, then the
memory follows page by page out of the page cache (splice), and nothing is copied and nothing has to be removed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_seat_places import wake_and_remove

MAGIC = b"LibvirtQemudSave"
VERSION = 2
WORDS = struct.Struct("<16s5I")  # magic, version, length of the data, was it running, compression, where the cookie is
HEADER_BYTES = 92
LARGEST_DATA = 4 * 1024 * 1024
PIPE_BYTES = 1024 * 1024
PATIENCE_MS = 200


@dataclass(frozen=True)
class SavedMemory:
    """What stands before the memory itself. `cookie` is libvirt's own and goes along unread."""

    xml: str
    cookie: bytes
    running: bool
    stream_at: int


def read_saved(file: Path) -> SavedMemory:
    with file.open("rb") as opened:
        header = opened.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            raise Refused("the saved memory is not libvirt's")
        magic, version, length, running, compressed, cookie_at = WORDS.unpack_from(header)
        if magic != MAGIC or version != VERSION or compressed != 0 or not cookie_at <= length <= LARGEST_DATA:
            raise Refused("the saved memory is not of a kind that can be restored")
        data = opened.read(length)
    xml = data.split(b"\0", 1)[0].decode()
    cookie = data[cookie_at:].split(b"\0", 1)[0] if cookie_at else b""
    return SavedMemory(xml, cookie, bool(running), HEADER_BYTES + length)


def beginning_with(saved: SavedMemory, xml: str) -> bytes:
    """The same beginning with another definition in it."""
    definition = xml.encode() + b"\0"
    data = definition + (saved.cookie + b"\0" if saved.cookie else b"")
    cookie_at = len(definition) if saved.cookie else 0
    words = WORDS.pack(MAGIC, VERSION, len(data), int(saved.running), 0, cookie_at)
    return words.ljust(HEADER_BYTES, b"\0") + data


@contextmanager
def poured(file: Path, saved: SavedMemory, xml: str, pipe: Path) -> Iterator[None]:
    """While the block runs, reading from `pipe` gives the file with another definition."""
    wake_and_remove(pipe)
    os.mkfifo(pipe, 0o600)
    ours = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # kept, so that nobody who opens it has to wait for us
    fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    ended = threading.Event()
    pouring = threading.Thread(target=pour, args=(file, saved.stream_at, beginning_with(saved, xml), ours, ended))
    pouring.start()
    try:
        yield
    finally:
        ended.set()
        pouring.join()
        pipe.unlink(missing_ok=True)


def pour(file: Path, start: int, beginning: bytes, out: int, ended: threading.Event) -> None:
    """Until all is out, or nobody reads any more, which only the end of the restoring says.

    What goes wrong here closes the pipe, and with it ends the restoring.
    """
    room = select.poll()
    room.register(out, select.POLLOUT)
    try:
        with file.open("rb") as opened:
            at, size = start, os.fstat(opened.fileno()).st_size
            while (beginning or at < size) and not ended.is_set():
                try:
                    if beginning:
                        beginning = beginning[os.write(out, beginning) :]
                    else:
                        at += pass_on(opened.fileno(), out, at, size)
                except BlockingIOError:
                    room.poll(PATIENCE_MS)
        ended.wait()
    finally:
        os.close(out)


def pass_on(source: int, out: int, at: int, size: int) -> int:
    try:
        return os.splice(source, out, min(PIPE_BYTES, size - at), offset_src=at)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot do it
            raise
        return os.write(out, os.pread(source, PIPE_BYTES, at))
