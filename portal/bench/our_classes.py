"""Our way with a class: from "prepare" to all seats ready, and away again, with the real worker and real Ansible."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update

from portal.bench.ground import Ground, wait_for
from portal.bench.ours import actor, between
from portal.core.errors import N_, NotFound, OutsideUnavailable, filled
from portal.core.lifecycle import LabSessionState, SeatImageState, SeatState, WorkflowState
from portal.core.policy import Permission
from portal.models import Department, Lab, LabSession, Seat, SeatImage
from portal.services import seats, teaching, workflows
from portal.services.seat_designs import SeatDesign, design_of
from portal.site import Site

TEACHER = "docente"
PATIENCE_S = 3600.0  # thirty Debian guests that boot on two cores


@dataclass(frozen=True)
class ClassRun:
    """`seconds` from "prepare" to ready, `cleared_s` from the end to nothing left; `phases` by the steps' names."""

    seconds: float
    warm: int
    cleared_s: float
    reset_s: float
    phases: dict[str, float] = field(default_factory=dict)


def newest_version(site: Site, slug: str) -> tuple[UUID, SeatDesign]:
    with site.sessions() as db:
        lab = db.get(Lab, slug)
        if lab is None or lab.newest is None:
            raise NotFound(N_("There is no lab “%(slug)s”."), slug=slug)
        return lab.newest.id, design_of(db, lab.newest)


def run_class(
    ground: Ground, slug: str, count: int, *, warm: bool, when_ready: Callable[[], None] = lambda: None
) -> ClassRun:
    """A class of its own. Cold: as if its image could not be made."""
    site = ground.site
    set_images(site, SeatImageState.READY if warm else SeatImageState.FAILED)
    lab_session_id = book(site, slug, count)
    with site.write_sessions.begin() as db:
        lab_session = db.get_one(LabSession, lab_session_id)
        begun = site.clock()
        teaching.prepare(db, lab_session=lab_session, queue=site.queue, now=begun, by=None)
    wait_for(lambda: is_ready(site, lab_session_id), seconds=PATIENCE_S, what="preparing the class", every_s=0.1)
    with site.sessions() as db:
        lab_session = db.get_one(LabSession, lab_session_id)
        rows = seats.seats_of(db, lab_session_id)
        ready_at = max(seat.ready_at or begun for seat in rows)
        steps = workflows.steps_of(db, lab_session.workflow_id or "")
        phases = {step.name: between(step.started_at, step.ended_at) for step in steps}
        warm_seats = sum(bool(seat.warm) for seat in rows)
    when_ready()
    reset_s = seconds_of_reset(site, lab_session_id)
    return ClassRun(between(begun, ready_at), warm_seats, seconds_of_end(site, lab_session_id), reset_s, phases)


def set_images(site: Site, state: SeatImageState) -> None:
    """READY leaves alone what was never built; FAILED makes seats boot, for images are not tried again at once."""
    with site.write_sessions.begin() as db:
        db.execute(update(SeatImage).values(state=state, made_at=site.clock()))


def book(site: Site, slug: str, count: int) -> UUID:
    version_id, design = newest_version(site, slug)
    sizes = [part.size for part in design.parts]
    with site.write_sessions.begin() as db:
        now, teacher = site.clock(), actor(db, TEACHER)
        lab_session = LabSession(
            lab_slug=slug,
            lab_version_id=version_id,
            teacher_id=teacher.account_id,
            department_id=next(one for one in db.scalars(select(Department.id)) if teacher.may(Permission.TEACH, one)),
            made_at=now,
            starts_at=now + timedelta(minutes=30),
            ends_at=now + timedelta(hours=4),
            seats=count,
            spares=0,
            seat_vcpus=sum(size.vcpus.default for size in sizes),
            seat_memory_mib=sum(size.memory_mib.default for size in sizes),
            seat_disk_gib=sum(size.disk_gib.default for size in sizes),
            join_code=uuid4().hex[:8].upper(),
        )
        db.add(lab_session)
        db.flush()
        return lab_session.id


def is_ready(site: Site, lab_session_id: UUID) -> bool:
    with site.sessions() as db:
        lab_session = db.get_one(LabSession, lab_session_id)
        latest = workflows.latest_of(db, lab_session_id)
        if latest is not None and latest.state == WorkflowState.FAILED:
            raise OutsideUnavailable(
                N_("The class failed: %(reason)s"), reason=filled(latest.error or "", latest.error_params)
            )
        if lab_session.trouble:
            raise OutsideUnavailable(
                N_("The class failed: %(reason)s"), reason=filled(lab_session.trouble, lab_session.trouble_params)
            )
        return lab_session.state == LabSessionState.READY


def seconds_of_reset(site: Site, lab_session_id: UUID) -> float:
    """One seat, from the wish to its being ready again."""
    with site.write_sessions.begin() as db:
        seat = seats.seats_of(db, lab_session_id, (SeatState.READY,))[0]
        seat_id, begun = seat.id, site.clock()
        seats.ask_reset(db, seat=seat, by=None, queue=site.queue, now=begun)
    wait_for(lambda: seat_state(site, seat_id) == SeatState.READY, seconds=PATIENCE_S, what="a reset", every_s=0.05)
    with site.sessions() as db:
        return between(begun, db.get_one(Seat, seat_id).ready_at)


def seat_state(site: Site, seat_id: UUID) -> SeatState:
    with site.sessions() as db:
        return db.get_one(Seat, seat_id).state


def seconds_of_end(site: Site, lab_session_id: UUID) -> float:
    begun = time.monotonic()
    with site.write_sessions.begin() as db:
        lab_session = db.get_one(LabSession, lab_session_id)
        teaching.end_class(db, actor=None, lab_session=lab_session, queue=site.queue, now=site.clock())

    def is_cleared() -> bool:
        with site.sessions() as db:
            latest = workflows.latest_of(db, lab_session_id)
            if latest is not None and latest.state == WorkflowState.FAILED:
                raise OutsideUnavailable(
                    N_("The class failed: %(reason)s"), reason=filled(latest.error or "", latest.error_params)
                )
            return latest is not None and latest.kind == "end_class" and latest.state == WorkflowState.DONE

    wait_for(is_cleared, seconds=PATIENCE_S, what="ending the class", every_s=0.1)
    return time.monotonic() - begun


def image_of(site: Site, slug: str) -> str:
    """The key of the lab's newest image that is whole. Raises NotFound."""
    version_id, _design = newest_version(site, slug)
    with site.sessions() as db:
        query = select(SeatImage.key).where(SeatImage.lab_version_id == version_id)
        key = db.scalars(query.where(SeatImage.state == SeatImageState.READY)).first()
        if key is None:
            image = db.scalars(select(SeatImage).where(SeatImage.lab_version_id == version_id)).first()
            reason = filled(image.trouble, image.trouble_params) if image else "?"
            raise NotFound(N_("The lab has no image: %(reason)s"), reason=reason)
        return key
