"""Where a seat's files lie: on the shared storage, in the host's memory, and those of saved machines."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from ansible.module_utils.vivero_storage import SOCKETS, Places, draft_of, make_folder

IMAGES = "seat_images"


@dataclass(frozen=True, kw_only=True)
class SeatMachinePlaces(Places):
    """Like any machine's, but in its seat's folder."""

    seat_id: UUID

    @property
    def folder(self) -> Path:
        return self.storage / "seats" / str(self.seat_id) / str(self.vm_id)

    @property
    def begun(self) -> Path:
        """There once it has run: its disk holds somebody's work and no longer fits a saved memory."""
        return self.folder / "begun"

    @property
    def memory_pipe(self) -> Path:
        """What it is restored from comes through here."""
        return self.sockets_root / "seats" / str(self.seat_id) / f"{self.vm_id}.memory"

    def make_sockets_folder(self) -> None:
        """With a way to its files, so that whoever knows only the machine finds what it printed."""
        make_folder(self.sockets, mode=0o700)
        link = self.sockets / "files"
        if not link.is_symlink():
            link.symlink_to(self.folder)


@dataclass(frozen=True)
class SeatPlaces:
    storage: Path
    seat_id: UUID
    sockets_root: Path = SOCKETS

    @property
    def folder(self) -> Path:
        return self.storage / "seats" / str(self.seat_id)

    @property
    def fence(self) -> Path:
        return self.storage / "fences" / str(self.seat_id)

    @property
    def sockets(self) -> Path:
        """Doors, and what the seat's address service reads; in memory."""
        return self.sockets_root / "seats" / str(self.seat_id)

    @property
    def namespace(self) -> str:
        return f"seat-{self.seat_id}"

    def door(self, name: str) -> Path:
        return self.sockets / f"door-{name}.sock"

    def machine(self, vm_id: UUID) -> SeatMachinePlaces:
        return SeatMachinePlaces(self.storage, vm_id, self.sockets_root, seat_id=self.seat_id)

    def make_folders(self) -> None:
        make_folder(self.folder.parent, mode=0o755)
        make_folder(self.folder, mode=0o711)
        make_folder(self.sockets.parent, mode=0o711)
        make_folder(self.sockets, mode=0o711)  # the address service has given up being root when it reads its names


@dataclass(frozen=True)
class SavedMachinePlaces:
    """One machine of an image: its disk and memory at the same moment, the seed that it was made with."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk.qcow2"

    @property
    def overlay(self) -> Path:
        """An empty overlay on the disk: copying it is quicker than making one."""
        return self.folder / "overlay.qcow2"

    @property
    def memory(self) -> Path:
        return self.folder / "memory.sav"

    @property
    def seed(self) -> Path:
        return self.folder / "seed.iso"

    def make_files(self, places: SeatMachinePlaces) -> None:
        """A fresh disk and the same seed. What was there is replaced: memory and disk must be of the same moment."""
        draft = draft_of(places.disk)
        draft.unlink(missing_ok=True)
        shutil.copyfile(self.overlay, draft)
        draft.chmod(0o600)
        draft.rename(places.disk)
        if self.seed.exists():
            draft = draft_of(places.seed)
            draft.unlink(missing_ok=True)
            shutil.copyfile(self.seed, draft)
            draft.chmod(0o600)
            draft.rename(places.seed)


@dataclass(frozen=True)
class ImagePlaces:
    storage: Path
    image: str

    @property
    def folder(self) -> Path:
        return self.storage / IMAGES / self.image

    @property
    def draft(self) -> Path:
        return draft_of(self.folder)

    @property
    def description(self) -> Path:
        """Whoever finds it finds a whole image."""
        return self.folder / "image.json"

    def machine(self, host_name: str, *, draft: bool = False) -> SavedMachinePlaces:
        return SavedMachinePlaces((self.draft if draft else self.folder) / host_name)


def wake_and_remove(pipe: Path) -> None:
    """Remove a pipe; libvirt may still wait for somebody at its other end, who died."""
    with suppress(OSError):  # no pipe: there is nobody to wake
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
    pipe.unlink(missing_ok=True)
