"""Names that are the same each time they are computed, so that a step that runs twice finds what it made."""

from __future__ import annotations

import re
from hashlib import sha256
from uuid import UUID, uuid5

from portal.core.errors import N_, Invalid

NAME = re.compile(r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$")
NAME_LENGTH = 40
MAX_COPIES = 30


def vm_id_for(vm_request_id: UUID, position: int) -> UUID:
    """The id of the copy at `position` (0-based): also its domain's UUID and the name of its folder."""
    return uuid5(vm_request_id, str(position))


def vm_names(name: str, copies: int) -> list[str]:
    """The name itself for one machine; "moodle-01", "moodle-02" ... for several."""
    if copies == 1:
        return [name]
    return [f"{name}-{number:02d}" for number in range(1, copies + 1)]


def seat_id_for(lab_session_id: UUID, number: int) -> UUID:
    """The id of a class's seat; seats are counted from 1."""
    return uuid5(lab_session_id, f"seat {number}")


def seat_machine_id_for(seat_id: UUID, name: str) -> UUID:
    """Also its domain's UUID. `name` is the machine's in the lab."""
    return uuid5(seat_id, name)


def seat_label(owner_id: UUID, number: int) -> str:
    """The seat in the words of playbooks and logs."""
    return f"class-{owner_id.hex[:8]}-{number:02d}"


def seat_machine_name(lab_session_id: UUID, number: int, name: str) -> str:
    """What a host calls it; of the same length in every seat of a class, as restoring from memory likes it."""
    return f"{seat_label(lab_session_id, number)}-{name}"


def seat_mac(machine: int, network: int) -> str:
    """The same in every seat: each seat has its networks for itself. Counted from 0."""
    return f"52:54:00:5e:{machine:02x}:{network:02x}"


def mac_for(vm_id: UUID, attempt: int = 0) -> str:
    """A MAC address in QEMU's range. 24 bits may collide: whoever finds it taken asks with the next `attempt`."""
    digest = sha256(vm_id.bytes + attempt.to_bytes(2, "big")).digest()
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])


def check_name(name: str) -> None:
    if not NAME.fullmatch(name) or "--" in name:
        raise Invalid(
            N_(
                "A name has 3 to 40 small letters, digits and single hyphens. "
                "It begins with a letter and does not end in a hyphen."
            ),
            field="name",
        )


def check_copies(copies: int) -> None:
    if not 1 <= copies <= MAX_COPIES:
        raise Invalid(N_("Choose between 1 and %(most)s copies."), field="copies", most=MAX_COPIES)
