"""Classes as iCalendar (RFC 5545), as calendar programs read it. No student stands in it."""

from __future__ import annotations

from datetime import datetime, timedelta

from icalendar import Calendar, Event

from portal.core.errors import N_
from portal.core.lifecycle import LabSessionState
from portal.models import LabSession
from portal.services.calendar_feeds import Feed
from portal.services.lab_specs import spec_of
from portal.services.letters import translate

READ_AGAIN = timedelta(hours=1)


def calendar_of(feed: Feed, *, base_url: str, now: datetime) -> bytes:
    """All times are in UTC, so that no program needs to know the hospital's clocks."""
    calendar = Calendar()
    calendar.add("prodid", "-//Vivero//classes//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    name = feed.room or translate(feed.locale, N_("My classes"))
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", READ_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for lab_session in feed.classes:
        calendar.add_component(event_of(lab_session, feed, base_url=base_url, now=now))
    return bytes(calendar.to_ical())


def event_of(lab_session: LabSession, feed: Feed, *, base_url: str, now: datetime) -> Event:
    address = f"{base_url.rstrip('/')}/classes/{lab_session.id}"
    event = Event()
    event.add("uid", f"{lab_session.id}@vivero")
    event.add("dtstamp", now)
    event.add("sequence", lab_session.revision)
    event.add("dtstart", lab_session.starts_at)
    event.add("dtend", lab_session.ends_at)
    event.add("summary", spec_of(lab_session.lab_version).title.read(feed.locale))
    status = status_of(lab_session)
    event.add("status", status)
    event.add("transp", "TRANSPARENT" if status == "CANCELLED" else "OPAQUE")
    if lab_session.room:
        event.add("location", lab_session.room)
    event.add("url", address)
    event.add("description", description(lab_session, feed, address))
    return event


def status_of(lab_session: LabSession) -> str:
    if lab_session.state == LabSessionState.CANCELLED:
        return "CANCELLED"
    return "TENTATIVE" if lab_session.waits_for_approval else "CONFIRMED"


def description(lab_session: LabSession, feed: Feed, address: str) -> str:
    lines = [translate(feed.locale, N_("%(seats)s seats"), seats=lab_session.seats)]
    if feed.room:
        teacher = translate(feed.locale, N_("Teacher"))
        lines.append(f"{teacher}: {lab_session.teacher.name}")
    if lab_session.waits_for_approval:
        lines.append(translate(feed.locale, N_("Waits for approval")))
    return "\n".join([*lines, address])
