"""Finished template disks in the cabinet: `templates/<slug>/v<N>.qcow2` and `.json`, written once, never changed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from portal.backends.bounded_files import read_bounded
from portal.core.errors import N_, Conflict, PortalError
from portal.core.plain_data import from_plain, to_plain
from portal.core.templates import BuiltVersion

BUILDING = ".building-"
LAST_NUMBER = ".last-version"
QCOW2_MAGIC = b"QFI\xfb"
MAX_VERSIONS = 10_000
MAX_DESCRIPTION_BYTES = 1024 * 1024


class TemplateBuildFailed(PortalError):
    """A template's disk could not be made; the cabinet is as it was before."""

    code, status = "template-build-failed", 502


def template_folder(cabinet: Path, slug: str) -> Path:
    return cabinet / "templates" / slug


def versions(cabinet: Path, slug: str) -> list[BuiltVersion]:
    """Oldest first. A version counts when its disk is there and its description can be read (see unreadable)."""
    found = [description for path in descriptions(cabinet, slug) if (description := read_description(path)) is not None]
    return sorted(found, key=lambda each: each.version)


def unreadable(cabinet: Path, slug: str) -> list[str]:
    """Descriptions that say nothing sensible. Their versions are left aside and stop nothing."""
    return [path.name for path in descriptions(cabinet, slug) if read_description(path) is None]


def descriptions(cabinet: Path, slug: str) -> list[Path]:
    """Of all versions whose disk is there."""
    paths = sorted(template_folder(cabinet, slug).glob("v*.json"))[:MAX_VERSIONS]
    return [
        path
        for path in paths
        if re.fullmatch(r"v[1-9][0-9]{0,4}\.json", path.name) and path.with_suffix(".qcow2").is_file()
    ]


def read_description(path: Path) -> BuiltVersion | None:
    """What stands beside a disk; None where it is no description of this very version."""
    try:
        data = json.loads(read_bounded(path, MAX_DESCRIPTION_BYTES))
        built = from_plain(BuiltVersion, data)
    except (OSError, ValueError, TypeError):
        return None
    named = (built.slug, built.version, built.disk)
    fits = named == (path.parent.name, int(path.stem[1:]), f"templates/{path.parent.name}/{path.stem}.qcow2")
    return built if fits and is_sensible(built) else None


def is_sensible(built: BuiltVersion) -> bool:
    """The kinds of value that the tables take; a description may come from anywhere."""
    texts = (built.sha256, built.digest)
    return (
        all(isinstance(text, str) and len(text) <= 64 for text in texts)
        and isinstance(built.size_bytes, int)
        and built.built_at.tzinfo is not None
        and isinstance(built.spec, dict)
        and isinstance(built.overrides, dict)
    )


def all_versions(cabinet: Path) -> dict[str, list[BuiltVersion]]:
    return {slug: versions(cabinet, slug) for slug in slugs_in(cabinet)}


def all_unreadable(cabinet: Path) -> list[str]:
    return [f"{slug}/{name}" for slug in slugs_in(cabinet) for name in unreadable(cabinet, slug)]


def slugs_in(cabinet: Path) -> list[str]:
    return sorted(folder.name for folder in (cabinet / "templates").glob("[a-z0-9]*") if folder.is_dir())


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. The kernel lets it go when the process dies, however it dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(N_("Another build of “%(slug)s” is under way."), slug=folder.name) from error
        yield


def remove_leftovers(folder: Path) -> list[str]:
    """Clear the work folders that dead builds left, and nothing that has a version's name. Only under the lock."""
    removed = []
    for path in folder.glob(f"{BUILDING}v*"):
        check_nobody_works_in(path)
        remove_tree(path)
        removed.append(path.name)
    return removed


def check_nobody_works_in(path: Path) -> None:
    working = processes_in(path)
    if working:
        raise TemplateBuildFailed(
            N_("An earlier build still works in “%(path)s” (processes %(numbers)s): wait for its end, or end it."),
            path=str(path),
            numbers=", ".join(map(str, working[:5])),
        )


def remove_half_bases(cache: Path) -> list[str]:
    """Base systems are written as `<name>.tar.<process>` first; those whose process is gone will never be finished."""
    removed = []
    for path in cache.glob("*.tar.*"):
        if path.suffix[1:].isdigit() and not Path("/proc", path.suffix[1:]).exists():
            path.unlink(missing_ok=True)
            removed.append(path.name)
    return removed


def remove_tree(path: Path) -> None:
    """Delete a work folder, but never through a mount: below a chroot that could be the machine's own /dev."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    below = [line.split()[4] for line in mounts if line.split()[4].startswith(f"{path}/")]
    if below:
        raise TemplateBuildFailed(N_("“%(path)s” has something mounted in it: unmount it first."), path=below[0])
    shutil.rmtree(path)


def processes_in(path: Path) -> list[int]:
    """Processes whose root or present directory lies in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for place in ("root", "cwd"):
            with suppress(OSError):  # it has ended meanwhile, or is not ours to look at
                if (process / place).readlink().is_relative_to(path):
                    found.append(int(process.name))
                    break
    return found


def take_next_version(folder: Path) -> int:
    """One more than any number that was ever taken here, also by versions that were deleted since. Only under the lock.

    Linked clones know their disk by its path: a number used again would put another disk under them.
    """
    numbers = [int(path.stem[1:]) for path in folder.glob("v*.*") if re.fullmatch(r"v[0-9]{1,5}", path.stem)]
    number = max(last_number(folder), *numbers, 0) + 1
    mark = folder / f"{BUILDING}{LAST_NUMBER}"
    mark.write_text(f"{number}\n")
    sync_file(mark)
    mark.replace(folder / LAST_NUMBER)
    sync_file(folder)
    return number


def last_number(folder: Path) -> int:
    try:
        said = (folder / LAST_NUMBER).read_text().strip()
    except FileNotFoundError:
        return 0
    return int(said) if re.fullmatch(r"[0-9]{1,6}", said) else 0


def check_disk(disk: Path) -> None:
    """A finished disk is one regular, self-contained qcow2 file."""
    if not disk.is_file() or disk.is_symlink():
        raise TemplateBuildFailed(N_("The build ended without a disk."))
    with disk.open("rb") as file:
        head = file.read(104)
    backing_offset = int.from_bytes(head[8:16], "big")
    # bit 2 of the incompatible features: the data lies in another file
    elsewhere = int.from_bytes(head[4:8], "big") >= 3 and int.from_bytes(head[72:80], "big") & 4
    if not head.startswith(QCOW2_MAGIC) or backing_offset or elsewhere:
        raise TemplateBuildFailed(N_("The disk is not one self-contained qcow2 file."))


def virtual_bytes(disk: Path) -> int:
    """The size of a qcow2 disk as a machine sees it."""
    with disk.open("rb") as file:
        return int.from_bytes(file.read(32)[24:32], "big")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(folder: Path, disk: Path, built: BuiltVersion) -> None:
    """Give the disk its final name: the description first, then the disk, whose appearing is what makes the version."""
    check_disk(disk)
    disk.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    sync_file(disk)
    description = disk.parent / "description.json"
    description.write_text(json.dumps(to_plain(built), indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    sync_file(description)
    description.replace(folder / f"v{built.version}.json")
    # a hard link fails where the name is taken, a rename would overwrite it
    os.link(disk, folder / f"v{built.version}.qcow2")
    disk.unlink()
    sync_file(folder)


def sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
