"""Timetables from calendar programs (iCalendar, RFC 5545), as the rows that a table would have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar
from icalendar.cal import Component
from icalendar.error import BrokenCalendarProperty

from portal.core.errors import N_, Invalid, PortalError
from portal.core.recurrence import moment
from portal.core.timetables import MOST_BYTES, MOST_ROWS, NO_START, Row, is_near, read_table

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
KNOWN_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST"})
FURTHEST_DAYS = 366
# what the library says of properties that are broken, doubled, or of another kind than they should be
BROKEN = (
    BrokenCalendarProperty,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    OverflowError,
    OSError,  # a time zone whose name is a folder's
)
NOT_REPEATED_SO = N_("This kind of repetition is not understood. Please write its dates one by one.")


def read_timetable(text: str, timezone: str) -> list[Row]:
    """The rows of a calendar or of a table. Raises Invalid beside `text`: empty, too long, or no calendar."""
    if len(text.encode()) > MOST_BYTES:
        raise Invalid(N_("This timetable is too long. At most 256 KiB are read."), field="text")
    is_calendar = text.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR")
    found = read_calendar(text, timezone) if is_calendar else read_table(text, timezone)
    rows = list(islice(found, MOST_ROWS + 1))
    if not rows:
        raise Invalid(N_("There is no class in it."), field="text")
    if len(rows) > MOST_ROWS:
        raise Invalid(N_("At most %(most)s classes are read at once."), field="text", most=MOST_ROWS)
    return rows


def read_calendar(text: str, timezone: str) -> Iterator[Row]:
    try:
        calendar = Calendar.from_ical(text.lstrip("\ufeff \r\n"))
        events = calendar.walk("VEVENT")
    except (*BROKEN, RecursionError):
        raise Invalid(N_("This is no calendar that can be read."), field="text") from None
    moved = moved_dates(events, timezone)
    for number, event in enumerate(events, start=1):
        yield from rows_of_event(number, event, moved, timezone)


def moved_dates(events: Iterable[Component], timezone: str) -> set[tuple[str, datetime]]:
    """Single dates of a series that stand as events of their own."""
    found = set()
    for event in events:
        if "RECURRENCE-ID" in event:
            try:
                found.add((str(event.get("UID", "")), moment_of(event.get("RECURRENCE-ID"), timezone)))
            except (PortalError, *BROKEN):
                continue
    return found


def rows_of_event(number: int, event: Component, moved: set[tuple[str, datetime]], timezone: str) -> Iterator[Row]:
    lab = words_of(event.get("SUMMARY"))
    try:
        if words_of(event.get("STATUS")).upper() == "CANCELLED":
            raise Invalid(N_("It is cancelled in your calendar."))
        first = moment_of(event.get("DTSTART"), timezone)
        minutes, seats = minutes_of(event, first, timezone), seats_of(event)
        starts = [first] if "RECURRENCE-ID" in event else dates_of(event, first, timezone)
    except PortalError as trouble:
        yield Row(number, lab, lab, trouble=trouble)
        return
    except BROKEN:
        yield Row(number, lab, lab, trouble=Invalid(N_("Your calendar has written it in a way that cannot be read.")))
        return
    uid, room = str(event.get("UID", "")), words_of(event.get("LOCATION"))
    for start in starts:
        if "RECURRENCE-ID" in event or (uid, start) not in moved:
            yield Row(number, lab, lab, start, minutes, seats, room)


def words_of(value: Any) -> str:
    """The first, should there be several."""
    value = value[0] if isinstance(value, list) and value else value
    return " ".join(str(value or "").split())[:200]


def moment_of(value: Any, timezone: str) -> datetime:
    """In UTC. What names no time zone is meant where the hospital is. Raises Invalid."""
    found = getattr(value, "dt", None)
    if not isinstance(found, datetime) or not is_near(found.date()):
        raise Invalid(NO_START)
    return moment(found.date(), found.time(), timezone) if found.tzinfo is None else found.astimezone(UTC)


def minutes_of(event: Component, first: datetime, timezone: str) -> int | None:
    if "DTEND" in event:
        return (moment_of(event.get("DTEND"), timezone) - first) // timedelta(minutes=1)
    lasts = getattr(event.get("DURATION"), "dt", None)
    return lasts // timedelta(minutes=1) if isinstance(lasts, timedelta) else None


def seats_of(event: Component) -> int | None:
    """Nothing of the standard says it; who makes the file by a program may."""
    written = words_of(event.get("X-VIVERO-SEATS"))
    return int(written) if written.isascii() and written.isdigit() and len(written) < 5 else None


def dates_of(event: Component, first: datetime, timezone: str) -> list[datetime]:
    """All beginnings of a daily or weekly series, at the same local time, without those that were taken out."""
    rule = event.get("RRULE")
    if rule is None:
        return [first]
    zone = zone_of(event, timezone)
    local = first.astimezone(ZoneInfo(zone))
    without = set(exceptions_of(event, timezone))
    starts = [moment(day, local.time(), zone) for day in islice(days_of(rule, local.date(), first), MOST_ROWS + 1)]
    return [start for start in starts if start not in without]


def zone_of(event: Component, timezone: str) -> str:
    """Where the series stays at its local time: as its first date says, else where the hospital is."""
    key = getattr(getattr(event.get("DTSTART").dt, "tzinfo", None), "key", None)
    return key if isinstance(key, str) and key != "UTC" else timezone


def exceptions_of(event: Component, timezone: str) -> Iterator[datetime]:
    value = event.get("EXDATE", [])
    for part in value if isinstance(value, list) else [value]:
        for one in getattr(part, "dts", []):
            yield moment_of(one, timezone)


def days_of(rule: Any, first: date, starts_at: datetime) -> Iterator[date]:
    """The days of a series. Raises Invalid for rules that timetables do not need."""
    frequency, interval = rule_value(rule, "FREQ", ""), rule_value(rule, "INTERVAL", 1)
    weekdays = [str(day) for day in rule.get("BYDAY", [])]
    odd = set(map(str.upper, rule)) - KNOWN_PARTS or set(weekdays) - set(WEEKDAYS)
    if odd or frequency not in ("DAILY", "WEEKLY") or not isinstance(interval, int) or interval < 1:
        raise Invalid(NOT_REPEATED_SO)
    wanted = {WEEKDAYS.index(day) for day in weekdays}
    if not wanted:
        wanted = {first.weekday()} if frequency == "WEEKLY" else set(range(7))
    days = (first + timedelta(days=number) for number in range(FURTHEST_DAYS + 1))
    chosen = (day for day in days if day.weekday() in wanted and is_due(day, first, frequency, interval))
    return up_to(rule, chosen, starts_at)


def rule_value(rule: Any, name: str, otherwise: Any) -> Any:
    values = rule.get(name) or [otherwise]
    return values[0]


def is_due(day: date, first: date, frequency: str, interval: int) -> bool:
    if frequency == "DAILY":
        return (day - first).days % interval == 0
    weeks = (day - timedelta(days=day.weekday())) - (first - timedelta(days=first.weekday()))
    return weeks.days // 7 % interval == 0


def up_to(rule: Any, days: Iterator[date], starts_at: datetime) -> Iterator[date]:
    """Until the series says that it ends. Its end stands in UTC or as a day."""
    count, until = rule_value(rule, "COUNT", None), rule_value(rule, "UNTIL", None)
    last = until.date() if isinstance(until, datetime) else until
    if isinstance(until, datetime) and until.tzinfo is not None and until.time() < starts_at.time():
        last = until.date() - timedelta(days=1)
    for day in islice(days, count if isinstance(count, int) else None):
        if isinstance(last, date) and day > last:
            return
        yield day
