"""What hosts have of seats that no class has any more: a lost host that came back, or a trial that was interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import PortalError
from portal.core.lifecycle import SeatImageState, SeatState
from portal.core.naming import seat_id_for
from portal.interfaces import HostAddress, Json, PlaybookRun, PlaybookRunner, SeatTraces
from portal.models import Host, LabTrial, Rehearsal, Seat, SeatImage
from portal.services.seat_designs import image_owner

REMOVE_TIMEOUT_S = 600


def strays_of_seats(db: Session, traces: Mapping[str, SeatTraces]) -> Iterator[tuple[str, UUID, bool]]:
    """Host, seat, and whether its files belong to a seat that lives elsewhere. Files alone name any host."""
    homes = living_seats(db)
    busy = seats_of_no_class(db)
    found: set[UUID] = set()
    for host, seen in sorted(traces.items()):
        here = seen.machines | seen.namespaces | seen.sockets
        for seat_id in sorted(here - busy):
            if homes.get(seat_id) != host:
                found.add(seat_id)
                yield host, seat_id, seat_id in homes
    folders = {seat_id: host for host, seen in sorted(traces.items(), reverse=True) for seat_id in seen.folders}
    for seat_id in sorted(set(folders) - set(homes) - busy - found):
        yield folders[seat_id], seat_id, False


def living_seats(db: Session) -> dict[UUID, str]:
    query = select(Seat.id, Host.name).join(Host, Host.id == Seat.host_id).where(Seat.state != SeatState.GONE)
    return {row.id: row.name for row in db.execute(query)}


def seats_of_no_class(db: Session) -> set[UUID]:
    """The one seat that an image is made of, and those of rehearsals and of trials of labs."""
    keys = db.scalars(select(SeatImage.key).where(SeatImage.state == SeatImageState.BUILDING))
    lone = [
        *db.scalars(select(Rehearsal.id).where(Rehearsal.ended_at.is_(None))),
        *db.scalars(select(LabTrial.id).where(LabTrial.ended_at.is_(None))),
    ]
    return {seat_id_for(image_owner(key), 0) for key in keys} | {seat_id_for(one, 1) for one in lone}


def remove_stray_seat(
    seat_id: UUID, host: HostAddress, playbooks: PlaybookRunner, storage_dir: str, *, keep_files: bool
) -> str:
    """Why it is still there; empty when it is gone."""
    entry: dict[str, Json] = {"seat_id": str(seat_id), "label": str(seat_id), "vm_ids": [], "keep_files": keep_files}
    run = PlaybookRun(
        playbook="remove_seats",
        hosts=(host,),
        variables={"remove_seats_storage_dir": storage_dir, "fencing": {}},
        host_variables={host.name: {"remove_seats_seats": [entry]}},
        timeout_s=REMOVE_TIMEOUT_S,
    )
    try:
        result = playbooks.run(run)
    except PortalError as error:
        return str(error)
    outcome = result.machines.get(seat_id)
    if outcome is None:
        return result.hosts_failed.get(host.name, "the playbook did not come to it")
    return "" if outcome.ok else outcome.message
