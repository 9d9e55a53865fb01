"""One seat of no class, held, made and taken away again: what rehearsals and trials of labs have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Cancelled, OutsideUnavailable, PlaybookFailed, PortalError, plain
from portal.core.lifecycle import HostState
from portal.models.lone_seats import LoneSeat
from portal.services import claims, seat_claims
from portal.services.checks import Place
from portal.services.seat_claims import Holder
from portal.services.seat_designs import SeatDesign, order_of
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.removing import stand_in_of
from portal.workflows.seat_runs import SeatWork, ids_of, make_run, remove_run
from portal.workflows.seat_waiting import all_within, guests_of, wait_for_seats
from portal.workflows.sequence import Context

PASSED_ON = (Cancelled, OutsideUnavailable)  # the latter is tried again first
NOT_BOOTED = N_("The seat was started and did not become ready in time.")


@dataclass(frozen=True)
class Held:
    """The row, who holds the capacity for it, and what its seat is made of."""

    row: LoneSeat
    holder: Holder
    design: SeatDesign


@dataclass(frozen=True)
class LoneSeats:
    """The steps that such a seat needs. `load` finds it by the workflow's subject."""

    load: Callable[[Session, UUID], Held]

    def hold(self, ctx: Context) -> None:
        """One seat's claims on one host."""
        with ctx.write() as db:
            held = self.load(db, ctx.subject_id)
            order = order_of(held.design, owner_id=held.row.id, number=1)
            parts = [
                seat_claims.SeatClaim(machine.vm_id, part.spec.slug, part.amount)
                for part, machine in zip(held.design.parts, order.machines, strict=True)
            ]
            reserve, now = ctx.site.settings.reserve_hosts, ctx.site.clock()
            wanted = {order.seat_id: parts}
            hosts = seat_claims.place_seats(db, held.holder, wanted, now, reserve_hosts=reserve)
            held.row.host_id = hosts[order.seat_id].id

    def let_go(self, ctx: Context) -> None:
        with ctx.write() as db:
            held = self.load(db, ctx.subject_id)
            order = order_of(held.design, owner_id=held.row.id, number=1)
            claims.release(db, [machine.vm_id for machine in order.machines])

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
        work, _ = self.work_of(ctx, leaving=True)
        check_result(run_playbook(ctx, remove_run(ctx.site.settings.storage_dir, [work])), ids_of([work]))

    def work_of(self, ctx: Context, *, image: str | None = None, leaving: bool = False) -> tuple[SeatWork, SeatDesign]:
        """The one seat under a fencing number above all before."""
        with ctx.write() as db:
            held = self.load(db, ctx.subject_id)
            host = held.row.host
            if leaving and (host is None or host.state == HostState.LOST):
                host = stand_in_of(db)
            if host is None:
                raise PlaybookFailed(N_("This seat is on no host."))
            held.row.fencing += 1
            order = order_of(held.design, owner_id=held.row.id, number=1, image=image)
            order = replace(order, fresh=not leaving)
            return SeatWork(order, host.reached_at, held.row.fencing), held.design

    def place(self, db: Session, ctx: Context) -> Place | None:
        """Where checks find it; None while there is nothing to look at."""
        held = self.load(db, ctx.subject_id)
        if held.row.trouble or held.row.host is None:
            return None
        order = order_of(held.design, owner_id=held.row.id, number=1)
        machines = {machine.host_name: machine.vm_id for machine in order.machines}
        return Place(held.row.host.reached_at, order.seat_id, machines)

    def note_trouble(self, ctx: Context, error: PortalError) -> None:
        with ctx.write() as db:
            self.load(db, ctx.subject_id).row.tell_trouble(error.message, plain(error.params))
