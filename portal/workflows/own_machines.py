"""Makes the machine of a request that begins with the disk of a kept seat: as any other, after the disk is copied."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, PlaybookFailed
from portal.core.lifecycle import HostState, KeepingState
from portal.interfaces import HostAddress, Json, PlaybookRun
from portal.models import Keeping, OwnMachine, Seat
from portal.services import keepings, own_machines, seats, workflows
from portal.services.kept_seats import NOT_KEPT
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.provision import PROVISION, unclone
from portal.workflows.sequence import Context, Step, vms_of

COPY_TIMEOUT_S = 7200
LOOK_EVERY_S = 2.0
SEAT_PATIENCE_S = 900.0
NO_HOST = N_("The host of the seat is lost. When the seat's machines have booted again on another host, try again.")
SEAT_BUSY = N_("The seat's machines are being booted again. Try again in some minutes.")


def copy(ctx: Context) -> None:
    """Shut the seat's machine down and copy its disk, once. It boots again by itself while the seat is kept."""
    with ctx.site.sessions() as db:
        if own(db, ctx).copied_at is not None:
            return
    run, names = order_copy(ctx)
    check_result(run_playbook(ctx, run, names.values()), names)
    with ctx.write() as db:
        source, now = own(db, ctx), ctx.site.clock()
        source.copied_at = now
        keepings.note(db, source.keeping, "keeping.own_machine_copied", by=None, now=now, machine=source.machine.name)
        seats.bump(db, source.keeping.lab_session_id)


def order_copy(ctx: Context) -> tuple[PlaybookRun, dict[UUID, str]]:
    """When nobody else works on the seat; from then on hosts refuse whoever did before."""
    waited = 0.0
    while True:
        with ctx.write() as db:
            if not seat_is_busy(db, own(db, ctx)):
                return copy_run(db, ctx)
        if waited >= SEAT_PATIENCE_S:
            raise PlaybookFailed(SEAT_BUSY)
        ctx.pause(LOOK_EVERY_S)
        waited += LOOK_EVERY_S


def seat_is_busy(db: Session, source: OwnMachine) -> bool:
    """Locks the keeping, as revivals.begin does: of the two only one begins."""
    keeping = db.scalars(select(Keeping).where(Keeping.id == source.keeping_id).with_for_update(of=Keeping)).one()
    if keeping.state != KeepingState.KEPT or keeping.seat_id is None:
        raise Conflict(NOT_KEPT)
    latest = workflows.latest_of(db, keeping.seat_id)
    return latest is not None and latest.state in workflows.LIVE


def copy_run(db: Session, ctx: Context) -> tuple[PlaybookRun, dict[UUID, str]]:
    source = own(db, ctx)
    seat = db.get_one(Seat, source.machine.seat_id)
    (vm,) = vms_of(db, ctx.subject_id)
    host = host_of(seat)
    seat.fencing += 1
    entry: Json = {
        "vm_id": str(vm.id),
        "name": vm.name,
        "seat_id": str(seat.id),
        "machine_id": str(source.seat_machine_id),
        "disk_gib": vm.disk_gib,
    }
    fencing: Json = {str(vm.id): {"token": ctx.fencing}, str(seat.id): {"token": seat.fencing}}
    run = PlaybookRun(
        playbook="copy_seat_disks",
        hosts=(host,),
        variables={"copy_seat_disks_storage_dir": ctx.site.settings.storage_dir, "fencing": fencing},
        host_variables={host.name: {"copy_seat_disks_machines": [entry]}},
        timeout_s=COPY_TIMEOUT_S,
    )
    return run, {vm.id: vm.name}


def host_of(seat: Seat) -> HostAddress:
    if seat.host is None or seat.host.state == HostState.LOST:
        raise PlaybookFailed(NO_HOST)
    return seat.host.reached_at


def own(db: Session, ctx: Context) -> OwnMachine:
    return db.get_one(OwnMachine, ctx.subject_id)


CLAIM, PLACE, CLONE, READY, *REST = PROVISION.steps
PROVISION_FROM_SEAT = replace(
    PROVISION,
    name=own_machines.PROVISION_FROM_SEAT,
    steps=(CLAIM, PLACE, Step(N_("Copy the seat's disk"), copy, unclone), CLONE, READY, *REST),
)
