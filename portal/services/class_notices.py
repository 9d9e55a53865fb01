"""Letters to teachers about their classes, each in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, inner
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import ClassApproval, LabSessionState
from portal.models import Account, LabSession, Rehearsal, Seat
from portal.services import mails, seats
from portal.services.class_readiness import Readiness, SeatReadiness, readiness_of
from portal.services.lab_specs import spec_of
from portal.services.letters import Body, as_html, as_text, moment_in_words, translate
from portal.services.notices import kept_words, links, post

TOLD_BEFORE = timedelta(minutes=10)  # the hour: time enough to change the plan
COMING = (LabSessionState.BOOKED, LabSessionState.PREPARING, LabSessionState.READY)
NOT_YET = N_("Ten minutes before the hour %(ready)s of %(seats)s seats are ready. %(reason)s")
ALL_WELL = N_("One seat of your class “%(title)s” was made and looked at. All is as it should be.")
NOT_WELL = N_("One seat of your class “%(title)s” was made and looked at. Something is not as it should be.")
NOT_MADE = N_("Your class “%(title)s” was to be rehearsed, but no seat could be made.")
WHAT_TO_DO = N_(
    "Show this to whoever keeps the lab, or to an administrator. Then rehearse again on the page of the class."
)
SEAT_SAYS = N_("Seat %(number)s: %(reason)s")
MOST_NAMED = 12
GOES_ON = N_("Its seats are still being prepared.")


def title_of(lab_session: LabSession, locale: str) -> str:
    return spec_of(lab_session.lab_version).title.read(locale)


def tell_trouble(
    db: Session, *, lab_session: LabSession, now: datetime, base_url: str, timezone: str = DEFAULT_TIMEZONE
) -> None:
    """Seats are missing, or the whole preparation failed; told once for each class, in good time to do something."""
    if lab_session.told_missing:
        return
    lab_session.told_missing = True
    account = lab_session.teacher
    locale = account.locale
    title = title_of(lab_session, locale)
    missing = named(readiness_of(db, lab_session))
    paragraphs = (
        translate(locale, N_("The preparation of your class “%(title)s” did not go as it should."), title=title),
        kept_words(locale, lab_session.trouble, said_once(lab_session.trouble_params, missing)).strip(),
        translate(
            locale, N_("Seats that failed are replaced by spare ones where there are any. The page says how it stands.")
        ),
    )
    facts = (
        (translate(locale, N_("Begins")), moment_in_words(locale, lab_session.starts_at, timezone)),
        *missing_facts(missing, locale),
    )
    page = (translate(locale, N_("Open the class")), f"/classes/{lab_session.id}")
    subject = translate(locale, N_("Seats are missing: %(title)s"), title=title)
    post(db, account, subject, Body(paragraphs, facts, links(base_url, page)), now)


def named(readiness: Readiness) -> list[SeatReadiness]:
    """The missing seats that a letter lists. The page shows the rest of many."""
    return [row for row in readiness.missing if row.why is not None][:MOST_NAMED]


def said_once(params: Mapping[str, Any], missing: Sequence[SeatReadiness]) -> Mapping[str, Any]:
    """Without the reason when it is that of a seat that the letter's list names anyway."""
    reason = params.get("reason")
    if not isinstance(reason, Mapping) or reason["message"] != SEAT_SAYS:
        return params
    numbers = {row.seat.number for row in missing}
    return {**params, "reason": inner("", {})} if reason["params"]["number"] in numbers else params


def missing_facts(missing: Sequence[SeatReadiness], locale: str) -> list[tuple[str, str]]:
    """Where each missing seat stands still, by its number."""
    return [
        (
            translate(locale, N_("Seat %(number)s"), number=row.seat.number),
            kept_words(locale, row.why.message, row.why.params) if row.why else "",
        )
        for row in missing
    ]


def last_reason(rows: Sequence[Seat]) -> dict[str, object] | None:
    """Of the seat that failed last, with its number; None if none failed."""
    failed = [seat for seat in rows if seat.trouble]
    if not failed:
        return None
    seat = max(failed, key=lambda one: (one.replaced_at is not None, one.replaced_at or one.made_at, one.number))
    return inner(SEAT_SAYS, {"number": seat.number, "reason": inner(seat.trouble, seat.trouble_params)})


def tell_due(db: Session, *, now: datetime, base_url: str, timezone: str = DEFAULT_TIMEZONE) -> int:
    """Tell teachers of classes that lack seats ten minutes before their hour, unless they know already.

    Who books for an hour that is nearer than that is not told what the page says anyway.
    """
    soon = select(LabSession).where(
        LabSession.state.in_(COMING),
        LabSession.told_missing.is_(False),
        LabSession.approval != ClassApproval.WAITING,  # of these, class_approvals tells
        LabSession.starts_at <= now + TOLD_BEFORE,
        LabSession.ends_at > now,
    )
    told = 0
    for lab_session in list(db.scalars(soon.with_for_update(of=LabSession, skip_locked=True))):
        ready = readiness_of(db, lab_session).in_reach
        is_short = lab_session.state != LabSessionState.READY or ready < lab_session.seats
        if is_short and lab_session.made_at <= lab_session.starts_at - TOLD_BEFORE:
            say_short(db, lab_session, ready)
            tell_trouble(db, lab_session=lab_session, now=now, base_url=base_url, timezone=timezone)
            told += 1
    return told


def say_short(db: Session, lab_session: LabSession, ready: int) -> None:
    """The reason: what its preparation met last, or that it simply is not through."""
    if lab_session.trouble:
        return
    reason = last_reason(seats.seats_of(db, lab_session.id)) or inner(GOES_ON, {})
    lab_session.tell_trouble(NOT_YET, {"ready": ready, "seats": lab_session.seats, "reason": reason})


def tell_rehearsal(
    db: Session, *, rehearsal: Rehearsal, now: datetime, base_url: str, timezone: str = DEFAULT_TIMEZONE
) -> None:
    """Green or red, and for each step why."""
    lab_session = db.get_one(LabSession, rehearsal.lab_session_id)
    account = lab_session.teacher
    locale = account.locale
    title, green = title_of(lab_session, locale), rehearsal.is_green
    heading = N_("Rehearsal green: %(title)s") if green else N_("Rehearsal red: %(title)s")
    first = ALL_WELL if green else NOT_MADE if rehearsal.boot_s is None else NOT_WELL
    paragraphs = [translate(locale, first, title=title)]
    if rehearsal.trouble:
        paragraphs.append(kept_words(locale, rehearsal.trouble, rehearsal.trouble_params))
    if not green:
        paragraphs.append(translate(locale, WHAT_TO_DO))
    page = (translate(locale, N_("Open the class")), f"/classes/{lab_session.id}")
    facts = ((translate(locale, N_("Begins")), moment_in_words(locale, lab_session.starts_at, timezone)),)
    body = Body(tuple(paragraphs), (*facts, *rehearsal_facts(rehearsal, lab_session, locale)), links(base_url, page))
    post(db, account, translate(locale, heading, title=title), body, now)


def rehearsal_facts(rehearsal: Rehearsal, lab_session: LabSession, locale: str) -> list[tuple[str, str]]:
    facts = []
    for what, seconds in ((N_("Booted in"), rehearsal.boot_s), (N_("Restored in"), rehearsal.restore_s)):
        if seconds is not None:
            facts.append((translate(locale, what), translate(locale, N_("%(seconds)s s"), seconds=round(seconds, 1))))
    spec = spec_of(lab_session.lab_version)
    for finding in rehearsal.findings:
        step, trouble = spec.step(finding["step"]), finding["trouble"]
        said = kept_words(locale, trouble, finding["params"]) if trouble else translate(locale, N_("in order"))
        facts.append((step.title.read(locale) if step else finding["step"], said))
    return facts


def tell_invited(
    db: Session,
    *,
    teacher: Account,
    name: str,
    email: str,
    dates: Sequence[tuple[LabSession, str]],
    now: datetime,
    base_url: str,
    timezone: str = DEFAULT_TIMEZONE,
) -> None:
    """To somebody on the list, who may have no account: the class, or the dates of its series, each with its link."""
    locale = teacher.locale
    title = title_of(dates[0][0], locale)
    paragraphs = (
        translate(locale, N_("%(teacher)s invites you to the class “%(title)s”."), teacher=teacher.name, title=title),
        translate(
            locale,
            N_(
                "Open your link a few minutes before. You need no account and no code. "
                "The link is yours alone: whoever opens it is you in the class."
            ),
        ),
    )
    facts = tuple(
        (moment_in_words(locale, one.starts_at, timezone), one.room or translate(locale, N_("no room named")))
        for one, _path in dates
    )
    pages = [(moment_in_words(locale, one.starts_at, timezone), path) for one, path in dates]
    body = Body(paragraphs, facts, links(base_url, *pages))
    text, html = (write(body, locale=locale, name=name) for write in (as_text, as_html))
    subject = translate(locale, N_("Your class: %(title)s"), title=title)
    mails.write_to(db, receiver=email, subject=subject, text=text, html=html, now=now)
