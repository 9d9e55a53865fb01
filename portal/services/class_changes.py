"""Changing classes: one date, this and the following ones, or all that are still to come, on all of them or on none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.calendar import LEAD, Calendar, Ground, spares_for
from portal.core.errors import N_, DatesDoNotFit, Invalid, Misfit, PortalError
from portal.core.policy import Actor
from portal.core.series import Replacement, Scope, lacking
from portal.models import LabSession
from portal.services import class_approvals, invitation_notices
from portal.services.booking import find_room, look_for_room, note
from portal.services.class_scopes import locked_dates, series_of
from portal.services.class_targets import Change, Shifted, Target, Terms, check_change, one_target, shift_of

OVERLAPS = N_("It would overlap with another date of the series.")


def change(
    db: Session,
    *,
    actor: Actor,
    lab_session_id: UUID,
    wanted: Change,
    terms: Terms,
    scope: Scope = Scope.THIS,
    skip: Collection[UUID] = (),
) -> list[LabSession]:
    """Change these dates but for those to `skip`, or none of them.

    Raises Invalid beside its field; of one date alone ClassDoesNotFit with other times; of several DatesDoNotFit, with
    what each of those lacks that cannot be changed. Personal links and codes stay good; who is on a list is written to.
    """
    check_change(wanted)
    dates = locked_dates(db, actor=actor, lab_session_id=lab_session_id, scope=scope, now=terms.now)
    wish = Shifted(wanted, lab_session_id, shift_of(dates, lab_session_id, wanted, terms))
    chosen = [one for one in dates if one.id not in skip]
    if not chosen:
        raise Invalid(N_("All dates are to stay as they are: nothing is changed."), field="scope")
    others = [one for one in series_of(db, chosen[0]) if one not in chosen]
    if len(dates) == 1:
        targets = [one_target(db, chosen[0], wish, terms)]
        prove_one(db, targets[0], terms)
    else:
        targets = targets_of(db, chosen, wish, terms, others)
        prove_all(db, targets, terms)
    larger = [target.lab_session for target in targets if target.needs_room]
    before = [invitation_notices.Was.of(target.lab_session) for target in targets]
    for target in targets:
        apply(db, target, wanted, actor=actor, now=terms.now)
    invitation_notices.tell_changed(db, before, now=terms.now, timezone=terms.timezone)
    changed = [target.lab_session for target in targets]
    class_approvals.drop_small(changed, terms.limit)
    class_approvals.ask(
        db, larger, by=actor, limit=terms.limit, now=terms.now, base_url=terms.base_url, timezone=terms.timezone
    )
    return changed


def prove_one(db: Session, target: Target, terms: Terms) -> None:
    if target.needs_room:
        ground, others = look_for_room(db, target.plan, now=terms.now, reserve_hosts=terms.reserve_hosts, but=target.id)
        find_room(ground, others, target.plan, now=terms.now, timezone=terms.timezone)


def targets_of(
    db: Session,
    chosen: Sequence[LabSession],
    wished: Shifted,
    terms: Terms,
    others: Sequence[LabSession],
) -> list[Target]:
    """Raises DatesDoNotFit for those that cannot be as wished, whatever room there is."""
    targets, misfits = [], []
    for one in chosen:
        try:
            target = one_target(db, one, wished, terms)
            if target.moves and any(target.overlaps(other) for other in others):
                raise Invalid(OVERLAPS, field="at")
        except PortalError as error:
            misfits.append(Misfit(one.id, one.starts_at, error))
        else:
            targets.append(target)
    if len(misfits) == len(chosen) and all(misfit.error.field == "seats" for misfit in misfits):
        raise misfits[0].error  # a number that is none for any date
    if misfits:
        raise DatesDoNotFit((*misfits, *misfits_among(db, targets, terms)), of=len(chosen))
    return targets


def prove_all(db: Session, targets: Sequence[Target], terms: Terms) -> None:
    misfits = misfits_among(db, targets, terms)
    if misfits:
        raise DatesDoNotFit(misfits, of=len(targets))


def misfits_among(db: Session, targets: Sequence[Target], terms: Terms) -> tuple[Misfit, ...]:
    """Those for which there is no room, although all the others are changed."""
    searching = [target for target in targets if target.needs_room]
    if not searching:
        return ()
    ground, calendar = room_for(db, searching, terms)
    was = {booking.id: booking for booking in calendar.bookings}
    ids = {target.id for target in searching}
    others = [booking for booking in calendar.bookings if booking.id not in ids]
    replacements = [Replacement(was[target.id], target.held(terms.now)) for target in searching]
    lacks = lacking(ground, others, replacements)
    return tuple(
        Misfit(target.id, target.lab_session.starts_at, lacks[target.id].error(terms.timezone))
        for target in searching
        if target.id in lacks
    )


def room_for(db: Session, targets: Sequence[Target], terms: Terms) -> tuple[Ground, Calendar]:
    """With the licences of all of them, whose labs may be of several versions."""
    limits: Mapping[str, int] = {}
    for target in targets:
        limits = {**limits, **target.plan.size.limits}
    plan = targets[0].plan
    plan = replace(plan, size=replace(plan.size, limits=limits))
    return look_for_room(db, plan, now=terms.now, reserve_hosts=terms.reserve_hosts)


def apply(db: Session, target: Target, wanted: Change, *, actor: Actor, now: datetime) -> None:
    """The row is locked, and its new room is proven."""
    one, wish, moves = target.lab_session, target.plan.wish, target.moves
    details: dict[str, Any] = {}
    if moves:
        details |= {"from": minute_of(one.starts_at), "to": minute_of(target.starts_at)}
    if wish.seats != one.seats:
        details["seats"] = wish.seats
    if wish.room != one.room:
        details["room"] = wish.room
    if wanted.languages is not None and list(wanted.languages) != one.languages:
        details["languages"] = ",".join(wanted.languages)
        one.languages = list(wanted.languages)
    if not details:
        return
    if moves:
        one.told_missing = False  # what its teacher was told was about the other hour
        one.starts_at, one.ends_at, one.prepare_at = target.starts_at, target.ends_at, target.starts_at - LEAD
    if wish.seats != one.seats:
        one.seats, one.spares = wish.seats, spares_for(wish.seats)
    one.room = wish.room
    one.tell_trouble("")
    action = "lab_session.moved" if moves else "lab_session.changed"
    note(db, one, actor=actor, action=action, now=now, **details)


def minute_of(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
