"""Trials of labs: asked for on a lab's page or by `vivero lab check`, with room held, and always cleared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotAllowed, plain
from portal.core.labs import LabSpec
from portal.core.lifecycle import LabTrialState, WorkflowState
from portal.core.policy import Actor, Permission
from portal.interfaces import WorkflowQueue
from portal.models import Lab, LabTrial, LabVersion, Workflow
from portal.services import labs, lone_seats, workflows
from portal.services.audit import Subject, record
from portal.services.department_labs import HOUSE
from portal.services.labs import LabOffer
from portal.services.seat_sizes import size_of_seat
from portal.services.templates import department_slugs

KIND = "try_lab"
ALIVE = timedelta(minutes=1)  # a command that was silent for so long is dead
UNDER_WAY = N_("A trial of this lab is under way already.")
NO_ROOM = N_("No host has room for the seat of a trial now, beside machines and classes. Try again later.")
COMMAND_DEAD = N_("The command that carried this trial has ended before it.")
CAME_TO_A_RESULT = (LabTrialState.PASSED, LabTrialState.FAILED)


def may_try(db: Session, actor: Actor, spec: LabSpec) -> bool:
    """Who manages labs tries all, who teaches those of their own departments."""
    if actor.may(Permission.MANAGE_LABS):
        return True
    own = department_slugs(db, actor, Permission.TEACH)
    return actor.may(Permission.TEACH) and (own is None or spec.owner in own)


def ask(
    db: Session, *, actor: Actor, slug: str, queue: WorkflowQueue, now: datetime, reserve_hosts: int = 1
) -> LabTrial:
    """Try the newest version now. Raises Conflict when it cannot be taught or is tried already, NoCapacity."""
    offer = labs.get(db, actor=actor, slug=slug)
    if offer.spec is None or not may_try(db, actor, offer.spec):
        raise NotAllowed(N_("You may not try this lab."))
    return begin(db, offer, by=actor, queue=queue, now=now, reserve_hosts=reserve_hosts)


def begin(
    db: Session,
    offer: LabOffer,
    *,
    by: Actor | None,
    queue: WorkflowQueue,
    now: datetime,
    reserve_hosts: int,
    alive_until: datetime | None = None,
) -> LabTrial:
    """One at a time of each lab: its row is held. `alive_until` is of the command that will carry it, if one does."""
    if offer.spec is None or offer.version is None or offer.why_not in (labs.WHY_GONE, labs.WHY_BROKEN):
        raise Conflict(offer.why_not or labs.WHY_BROKEN)
    db.execute(select(Lab.slug).where(Lab.slug == offer.slug).with_for_update())
    latest = newest(db, offer.slug)
    if latest is not None and latest.ended_at is None:
        raise Conflict(UNDER_WAY)
    size = size_of_seat(db, offer.spec)
    trial = LabTrial(
        lab_version_id=offer.version.id,
        asked_at=now,
        asked_by_id=by.account_id if by is not None else None,
        seat_vcpus=size.amount.vcpus,
        seat_memory_mib=size.amount.memory_mib,
        seat_disk_gib=size.amount.disk_gib,
        alive_until=alive_until,
    )
    lone_seats.check_room(db, size, id=trial.id, now=now, reserve_hosts=reserve_hosts, refused=NO_ROOM)
    db.add(trial)
    db.flush()
    trial.workflow_id = workflows.begin(db, kind=KIND, subject_id=trial.id, queue=queue, now=now).id
    subject = Subject("lab", offer.slug, offer.slug)
    record(db, actor=by, action="lab.trying", subject=subject, now=now, details={"version": offer.version.version})
    return trial


def offer_for_all(db: Session, slug: str) -> LabOffer:
    """A lab as whoever stands at the machine sees it."""
    row = db.get(Lab, slug)
    return labs.offer_of(db, row, HOUSE) if row is not None else LabOffer(slug, None, None, labs.WHY_GONE)


def stop(db: Session, *, actor: Actor, slug: str, now: datetime) -> LabTrial:
    """End the trial that goes on; its seat is taken away. Raises Conflict when none goes on."""
    offer = labs.get(db, actor=actor, slug=slug)
    if offer.spec is None or not may_try(db, actor, offer.spec):
        raise NotAllowed(N_("You may not try this lab."))
    latest = newest(db, slug)
    if latest is None or latest.workflow_id is None or not workflows.is_live(db, latest.workflow_id):
        raise Conflict(N_("No trial of this lab is under way."))
    workflow = workflows.ask_cancel(db, workflow_id=latest.workflow_id, now=now)
    if workflow.state == WorkflowState.CANCELLED:  # no worker had begun it
        end(latest, now)
    return latest


def end(trial: LabTrial, now: datetime) -> None:
    """Nothing is held any more. What came to a result keeps it."""
    trial.ended_at = trial.ended_at or now
    if trial.state == LabTrialState.RUNNING:
        trial.move_to(LabTrialState.STOPPED)


def judge(trial: LabTrial) -> None:
    """From here on it has its result, however taking the seat away goes."""
    if trial.state == LabTrialState.RUNNING:
        trial.move_to(LabTrialState.PASSED if trial.is_good else LabTrialState.FAILED)


def fail(trial: LabTrial, trouble: str, params: Mapping[str, object]) -> None:
    """The sequence itself failed; if the lab had been judged before, that stays."""
    if trial.state == LabTrialState.RUNNING:
        trial.tell_trouble(trouble, plain(params))
        trial.move_to(LabTrialState.FAILED)


def newest(db: Session, slug: str) -> LabTrial | None:
    """The last trial of any version of the lab, also one that goes on."""
    of_lab = select(LabTrial).join(LabVersion, LabVersion.id == LabTrial.lab_version_id)
    query = of_lab.where(LabVersion.lab_slug == slug).order_by(LabTrial.asked_at.desc(), LabTrial.id)
    return db.scalars(query.limit(1)).first()


def results(db: Session, slugs: Iterable[str] | None = None) -> dict[str, LabTrial]:
    """The last trial of each lab that came to a result, by the lab's slug; of all labs if none are named."""
    last = (
        select(LabVersion.lab_slug, func.max(LabTrial.asked_at).label("asked_at"))
        .join(LabVersion, LabVersion.id == LabTrial.lab_version_id)
        .where(LabTrial.state.in_(CAME_TO_A_RESULT))
        .group_by(LabVersion.lab_slug)
    )
    if slugs is not None:
        last = last.where(LabVersion.lab_slug.in_(list(slugs)))
    newest_ones = last.subquery()
    query = (
        select(newest_ones.c.lab_slug, LabTrial)
        .join(LabVersion, LabVersion.lab_slug == newest_ones.c.lab_slug)
        .join(LabTrial, LabTrial.lab_version_id == LabVersion.id)
        .where(LabTrial.asked_at == newest_ones.c.asked_at, LabTrial.state.in_(CAME_TO_A_RESULT))
    )
    return {row.lab_slug: row.LabTrial for row in db.execute(query)}


def say_alive(db: Session, trial_id: UUID, now: datetime) -> None:
    trial = db.get_one(LabTrial, trial_id)
    if trial.alive_until is not None and trial.ended_at is None:
        trial.alive_until = now + ALIVE


def clear_due(
    db: Session, *, queue: WorkflowQueue, now: datetime, alive_until: datetime | None = None
) -> Sequence[LabTrial]:
    """Roll back trials that failed, and so may have left something, and those whose command has died.

    From here on `queue` carries them, or a command that lives until then at least.
    """
    give_up_dead(db, now)
    begun = lone_seats.clear_failed(db, LabTrial, queue=queue, now=now)
    for trial in begun:
        trial.alive_until = alive_until
    return begun


def roll_back(db: Session, trial_id: UUID, *, queue: WorkflowQueue, now: datetime) -> None:
    """Take away at once what a failed one has left."""
    trial = db.get_one(LabTrial, trial_id, with_for_update={"of": LabTrial})
    trial.workflow_id = workflows.roll_back(db, workflow_id=trial.workflow_id or "", queue=queue, now=now).id


def give_up_dead(db: Session, now: datetime) -> None:
    """A higher number fences the command, should it only have slept: it writes nothing more."""
    dead = select(LabTrial).where(LabTrial.ended_at.is_(None), LabTrial.alive_until < now)
    for trial in list(db.scalars(dead.with_for_update(of=LabTrial, skip_locked=True))):
        workflow = db.get(Workflow, trial.workflow_id) if trial.workflow_id else None
        if workflow is not None and workflow.state in workflows.LIVE:
            workflow.state, workflow.ended_at = WorkflowState.FAILED, trial.alive_until
            workflow.error, workflow.fencing = COMMAND_DEAD, workflow.fencing + 1
            workflow.revision += 1
            fail(trial, COMMAND_DEAD, {})
