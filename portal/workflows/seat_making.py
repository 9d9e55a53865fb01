"""Makes the seats of a class until enough of them serve: what fails is replaced, elsewhere if its host failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, PlaybookFailed
from portal.core.lifecycle import SeatImageState, SeatState
from portal.core.quota import Amount
from portal.interfaces import DOES_NOT_ANSWER, PlaybookResult
from portal.models import Host, LabSession, Seat, SeatImage, SeatMachine
from portal.services import seat_claims, seats
from portal.services.hosts import NO_ANSWER
from portal.services.seat_designs import SeatDesign, design_of, image_key, order_of
from portal.workflows.playbook_jobs import run_playbook
from portal.workflows.seat_runs import SeatWork, make_run
from portal.workflows.seat_waiting import all_within, guests_of, wait_for_seats
from portal.workflows.seat_watching import SeatWatch, note_cloned
from portal.workflows.sequence import Context

ROUNDS = 3
ANSWERS_NOT = N_("It did not answer in time.")
HOST_SAID = N_("Its host said: %(reason)s")
USABLE = (SeatState.READY, SeatState.TAKEN)


def make_until_enough(ctx: Context) -> None:
    """Raises PlaybookFailed if not a single seat serves in the end."""
    cold = False
    for attempt in range(ROUNDS):
        top_up(ctx, spares=attempt == 0)
        works, design = works_of(ctx, cold=cold)
        if not works:
            break
        cold = not make(ctx, design, works) or cold
    check_some_serve(ctx)


def top_up(ctx: Context, *, spares: bool) -> None:
    """Rows, capacity and hosts for as many seats as are missing. In later rounds nobody needs spare ones."""
    with ctx.write() as db:
        lab_session = db.get_one(LabSession, ctx.subject_id)
        design = design_of(db, lab_session.lab_version)
        rows = seats.seats_of(db, lab_session.id)
        alive = [seat for seat in rows if seat.state in (SeatState.BUILDING, *USABLE)]
        wanted = lab_session.seats + (lab_session.spares if spares else 0)
        first = max((seat.number for seat in rows), default=0) + 1
        missing = max(wanted - len(alive), 0)
        seats.add_seats(db, lab_session, design, range(first, first + missing), ctx.site.clock())
        place(db, ctx, lab_session, design)


def amount_of(machine: SeatMachine) -> Amount:
    return Amount(1, machine.vcpus, machine.memory_mib, machine.disk_gib)


def place(db: Session, ctx: Context, lab_session: LabSession, design: SeatDesign) -> None:
    """Hosts for all seats that have none yet."""
    homeless = [seat for seat in seats.seats_of(db, lab_session.id, (SeatState.BUILDING,)) if seat.host_id is None]
    if not homeless:
        return
    wanted = {seat.id: parts for seat in homeless if (parts := claims_of_seat(db, seat, design))}
    now, reserve = ctx.site.clock(), ctx.site.settings.reserve_hosts
    hosts = seat_claims.place_seats(db, lab_session, wanted, now, reserve_hosts=reserve)
    for seat in homeless:
        seat.host_id = hosts[seat.id].id
        seat.begun_at = now
    db.flush()


def claims_of_seat(db: Session, seat: Seat, design: SeatDesign) -> list[seat_claims.SeatClaim]:
    slugs = {part.machine.name: part.spec.slug for part in design.parts}
    machines = seats.machines_in(db, seat.id)
    return [seat_claims.SeatClaim(one.id, slugs[one.name], amount_of(one)) for one in machines]


def works_of(ctx: Context, *, cold: bool) -> tuple[list[SeatWork], SeatDesign]:
    """Every seat that is to be made, each with a fencing number of its own above all before."""
    with ctx.write() as db:
        lab_session = db.get_one(LabSession, ctx.subject_id)
        design = design_of(db, lab_session.lab_version)
        rows = seats.seats_of(db, lab_session.id, (SeatState.BUILDING,))
        return [work_on(db, design, seat, cold=cold) for seat in rows if seat.host is not None], design


def work_on(db: Session, design: SeatDesign, seat: Seat, *, cold: bool = False, fresh: bool = False) -> SeatWork:
    if seat.host is None:
        raise PlaybookFailed(N_("This seat is on no host."))
    seat.fencing += 1
    seat.forget_signs()
    image = None if cold else image_for(db, design, seat)
    order = order_of(design, owner_id=seat.lab_session_id, number=seat.number, image=image, fresh=fresh)
    return SeatWork(order, seat.host.reached_at, seat.fencing)


def image_for(db: Session, design: SeatDesign, seat: Seat) -> str | None:
    """A saved seat that this host can restore, if there is one."""
    if seat.host is None or not design.can_be_warm:
        return None
    image = db.get(SeatImage, image_key(design, seat.host))
    return image.key if image is not None and image.state == SeatImageState.READY else None


def make(ctx: Context, design: SeatDesign, works: Sequence[SeatWork]) -> bool:
    """Make them and wait until they serve. False if restoring failed somewhere: what follows is booted."""
    names = [work.order.label for work in works]
    result = run_playbook(ctx, make_run(ctx.site.settings.storage_dir, works), names)
    troubles = troubles_of(works, result)
    made = [work for work in works if work.order.seat_id not in troubles]
    note_cloned(ctx, {work.order.seat_id for work in made})
    note_failures(ctx, troubles)  # at once: the others are waited for
    warm = bool(works) and all(work.order.image is not None for work in works)
    guests = guests_of(design, made)
    watch = SeatWatch(guests, {one.vm_id: one.host_name for work in made for one in work.order.machines})
    served = wait_for_seats(
        ctx,
        guests,
        within_s=all_within(design, warm=warm),
        served=lambda ready: note_ready(ctx, made, ready, watch),
        watch=watch.see,
    )
    late = [work.order.seat_id for work in made if work.order.seat_id not in served]
    note_silent_hosts(ctx, result)
    note_failures(ctx, {seat_id: watch.trouble_of(seat_id) or (ANSWERS_NOT, {}) for seat_id in late})
    return not (warm and (troubles or late))


def note_silent_hosts(ctx: Context, result: PlaybookResult) -> None:
    """What is made next goes elsewhere; the next look at the host takes this back if it answers again."""
    silent = [name for name, reason in result.hosts_failed.items() if reason.startswith(DOES_NOT_ANSWER)]
    if silent:
        with ctx.write() as db:
            for host in db.scalars(select(Host).where(Host.name.in_(silent))):
                host.trouble = NO_ANSWER % {"host": host.name}


def troubles_of(works: Sequence[SeatWork], result: PlaybookResult) -> dict[UUID, tuple[str, Mapping[str, object]]]:
    """Seats that were not made, each with a msgid and what fills it."""
    troubles: dict[UUID, tuple[str, Mapping[str, object]]] = {}
    for work in works:
        outcome = result.machines.get(work.order.seat_id)
        if outcome is not None and outcome.ok:
            continue
        said = outcome.message if outcome is not None else result.hosts_failed.get(work.host.name, "nothing")
        troubles[work.order.seat_id] = (HOST_SAID, {"reason": said[:300]})
    return troubles


def note_ready(ctx: Context, works: Sequence[SeatWork], ready: set[UUID], watch: SeatWatch) -> None:
    warm = {work.order.seat_id: work.order.image is not None for work in works}
    with ctx.write() as db:
        now, rows = ctx.site.clock(), seats.seats_of(db, ctx.subject_id, (SeatState.BUILDING,))
        changed = watch.write(db, rows, ctx)
        for seat in rows:
            if seat.id in ready:
                seat.move_to(SeatState.TAKEN if seat.student_id else SeatState.READY)
                seat.ready_at, seat.warm, seat.lacks = now, warm.get(seat.id), {}
                changed = True
        if changed:
            seats.bump(db, ctx.subject_id)
            ctx.report(db, len(seats.seats_of(db, ctx.subject_id, USABLE)))


def note_failures(ctx: Context, troubles: Mapping[UUID, tuple[str, Mapping[str, object]]]) -> None:
    if not troubles:
        return
    with ctx.write() as db:
        for seat in seats.seats_of(db, ctx.subject_id, (SeatState.BUILDING,)):
            if seat.id in troubles:
                message, params = troubles[seat.id]
                seats.replace_seat(db, seat, message, dict(params), ctx.site.clock())


def check_some_serve(ctx: Context) -> None:
    with ctx.site.sessions() as db:
        rows = seats.seats_of(db, ctx.subject_id)
        if any(seat.state in USABLE for seat in rows):
            return
        failed = [seat for seat in rows if seat.trouble]
        reason = failed[-1].trouble % failed[-1].trouble_params if failed else "?"
    raise PlaybookFailed(N_("None of the seats could be prepared. The last one: %(reason)s"), reason=reason)
