"""One seat of no class, held, made and taken away again: what rehearsals and trials of labs have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Cancelled, OutsideUnavailable, PlaybookFailed, PortalError, plain
from portal.core.labs import LabSpec
from portal.core.lifecycle import HostState
from portal.core.naming import seat_id_for, seat_label, seat_machine_id_for
from portal.models import LabVersion
from portal.models.lone_seats import LoneSeat
from portal.services import claims, seat_claims
from portal.services.checks import Place
from portal.services.lab_specs import spec_of
from portal.services.seat_claims import Holder
from portal.services.seat_designs import SeatDesign, design_of, order_of
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.removing import stand_in_of
from portal.workflows.seat_runs import Leaving, SeatWork, ids_of, make_run, remove_run
from portal.workflows.seat_waiting import all_within, guests_of, wait_for_seats
from portal.workflows.sequence import Context

PASSED_ON = (Cancelled, OutsideUnavailable)  # the latter is tried again first
NUMBER = 1  # of the only seat
NOT_BOOTED = N_("The seat was started and did not become ready in time.")


@dataclass(frozen=True)
class Held:
    """The row, who holds the capacity for it, and the lab that its seat is of."""

    row: LoneSeat
    holder: Holder
    version: LabVersion

    @property
    def spec(self) -> LabSpec:
        return spec_of(self.version)

    @property
    def seat_id(self) -> UUID:
        return seat_id_for(self.row.id, NUMBER)

    @property
    def machines(self) -> dict[str, UUID]:
        """By their names in the lab, whatever became of its templates."""
        return {one.name: seat_machine_id_for(self.seat_id, one.name) for one in self.spec.machines}


@dataclass(frozen=True)
class LoneSeats:
    """The steps that such a seat needs. `load` finds it by the workflow's subject."""

    load: Callable[[Session, UUID], Held]

    def hold(self, ctx: Context) -> None:
        """One seat's claims on one host."""
        with ctx.write() as db:
            held = self.load(db, ctx.subject_id)
            parts = [
                seat_claims.SeatClaim(held.machines[part.machine.name], part.spec.slug, part.amount)
                for part in design_of(db, held.version).parts
            ]
            reserve, now = ctx.site.settings.reserve_hosts, ctx.site.clock()
            wanted = {held.seat_id: parts}
            hosts = seat_claims.place_seats(db, held.holder, wanted, now, reserve_hosts=reserve)
            held.row.host_id = hosts[held.seat_id].id

    def let_go(self, ctx: Context) -> None:
        with ctx.write() as db:
            claims.release(db, list(self.load(db, ctx.subject_id).machines.values()))

    def boot(self, ctx: Context) -> None:
        """Trouble of the seat is what this is for: it is written down, and the sequence goes on."""
        try:
            seconds = self.make(ctx, image=None, trouble=NOT_BOOTED)
        except PASSED_ON:
            raise
        except PortalError as error:
            self.note_trouble(ctx, error)
            return
        with ctx.write() as db:
            self.load(db, ctx.subject_id).row.boot_s = seconds

    def make(self, ctx: Context, *, image: str | None, trouble: str) -> float:
        """The seat anew, whatever is left of it; in how many seconds it served."""
        work, design = self.work_of(ctx, image=image)
        began = time.monotonic()
        check_result(run_playbook(ctx, make_run(ctx.site.settings.storage_dir, [work])), ids_of([work]))
        within = all_within(design, warm=image is not None)
        if not wait_for_seats(ctx, guests_of(design, [work]), within_s=within):
            raise PlaybookFailed(trouble)
        return time.monotonic() - began

    def take_away(self, ctx: Context) -> None:
        """What is gone already is fine. For a host that is lost another one does it."""
        with ctx.site.sessions() as db:
            if self.load(db, ctx.subject_id).row.host_id is None:
                return
        with ctx.write() as db:
            held = self.load(db, ctx.subject_id)
            host = held.row.host
            if host is None or host.state == HostState.LOST:
                host = stand_in_of(db)
            held.row.fencing += 1
            vm_ids, label = tuple(held.machines.values()), seat_label(held.row.id, NUMBER)
            seat = Leaving(held.seat_id, label, vm_ids, host.reached_at, held.row.fencing)
        check_result(run_playbook(ctx, remove_run(ctx.site.settings.storage_dir, [seat])), ids_of([seat]))

    def work_of(self, ctx: Context, *, image: str | None = None) -> tuple[SeatWork, SeatDesign]:
        """The one seat under a fencing number above all before."""
        with ctx.write() as db:
            held = self.load(db, ctx.subject_id)
            if held.row.host is None:
                raise PlaybookFailed(N_("This seat is on no host."))
            held.row.fencing += 1
            design = design_of(db, held.version)
            order = order_of(design, owner_id=held.row.id, number=NUMBER, image=image, fresh=True)
            return SeatWork(order, held.row.host.reached_at, held.row.fencing), design

    def place(self, db: Session, ctx: Context) -> Place | None:
        """Where checks find it; None while there is nothing to look at."""
        held = self.load(db, ctx.subject_id)
        if held.row.trouble or held.row.host is None:
            return None
        return Place(held.row.host.reached_at, held.seat_id, held.machines)

    def note_trouble(self, ctx: Context, error: PortalError) -> None:
        with ctx.write() as db:
            self.load(db, ctx.subject_id).row.tell_trouble(error.message, plain(error.params))
