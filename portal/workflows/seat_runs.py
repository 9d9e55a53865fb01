"""What the playbooks of seats are told: for each host, the seats to make, to save as an image, or to take away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from portal.interfaces import HostAddress, Json, PlaybookRun, SeatOrder

MAKE_TIMEOUT_S = 1800
SAVE_TIMEOUT_S = 900
REMOVE_TIMEOUT_S = 600


@dataclass(frozen=True)
class SeatWork:
    """One seat on its host. `token`: hosts refuse whoever comes with a lower one later."""

    order: SeatOrder
    host: HostAddress
    token: int

    @property
    def seat_id(self) -> UUID:
        return self.order.seat_id

    @property
    def label(self) -> str:
        return self.order.label

    @property
    def leaving(self) -> Leaving:
        vm_ids = tuple(machine.vm_id for machine in self.order.machines)
        return Leaving(self.seat_id, self.label, vm_ids, self.host, self.token)


@dataclass(frozen=True)
class Leaving:
    """A seat that is taken away. Rows know all of it, so it goes whatever became of its templates."""

    seat_id: UUID
    label: str
    vm_ids: tuple[UUID, ...]
    host: HostAddress
    token: int


Work = SeatWork | Leaving


def make_run(storage_dir: str, works: Sequence[SeatWork]) -> PlaybookRun:
    return seats_run("make_seats", storage_dir, works, [plain(work.order) for work in works], MAKE_TIMEOUT_S)


def remove_run(storage_dir: str, works: Sequence[Leaving]) -> PlaybookRun:
    """The machines are named too: those of a seat that was half made carry no mark yet."""
    entries: list[dict[str, Any]] = [
        {
            "seat_id": str(work.seat_id),
            "label": work.label,
            "vm_ids": [str(vm_id) for vm_id in work.vm_ids],
        }
        for work in works
    ]
    return seats_run("remove_seats", storage_dir, works, entries, REMOVE_TIMEOUT_S)


def save_run(storage_dir: str, work: SeatWork, image: str) -> PlaybookRun:
    """Save the running machines of this seat as `image`; the seat is gone afterwards."""
    entry = {"seat_id": str(work.seat_id), "label": work.label, "image": image}
    run = seats_run("save_seats", storage_dir, [work], [entry], SAVE_TIMEOUT_S)
    lists = {host: {"save_seats_images": values["save_seats_seats"]} for host, values in run.host_variables.items()}
    return PlaybookRun(run.playbook, run.hosts, run.variables, lists, timeout_s=run.timeout_s)


def seats_run(
    playbook: str, storage_dir: str, works: Sequence[Work], entries: Iterable[Mapping[str, Any]], timeout_s: int
) -> PlaybookRun:
    lists: dict[str, list[Json]] = {}
    for work, entry in zip(works, entries, strict=True):
        lists.setdefault(work.host.name, []).append(entry)
    hosts = {work.host.name: work.host for work in works}
    fencing: dict[str, Json] = {str(work.seat_id): {"token": work.token} for work in works}
    return PlaybookRun(
        playbook=playbook,
        hosts=tuple(hosts[name] for name in sorted(hosts)),
        variables={f"{playbook}_storage_dir": storage_dir, "fencing": fencing},
        host_variables={host: {f"{playbook}_seats": seats} for host, seats in lists.items()},
        timeout_s=timeout_s,
    )


def plain(order: SeatOrder) -> dict[str, Any]:
    """The order as JSON has it: ids as text."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(order), default=str))
    return values


def ids_of(works: Iterable[Work]) -> dict[UUID, str]:
    return {work.seat_id: work.label for work in works}
