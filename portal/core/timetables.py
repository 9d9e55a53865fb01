"""Timetables as tables: one class a line, with the lab, its beginning, and what else the line says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.core.errors import N_, Invalid, PortalError
from portal.core.pasted_tables import columns_of, rows_of
from portal.core.recurrence import moment

MOST_BYTES = 256 * 1024
MOST_ROWS = 200
DAY_FORMATS = ("%d/%m/%Y", "%Y-%m-%d", "%d.%m.%Y")
CLOCK_FORMATS = ("%H:%M", "%H.%M", "%H:%M:%S")
TITLES: Mapping[str, frozenset[str]] = {
    "lab": frozenset({"lab", "laboratorio", "práctica", "practica", "subject", "summary", "asunto", "title", "título"}),
    "day": frozenset({"day", "date", "start date", "día", "dia", "fecha", "fecha de comienzo"}),
    "start": frozenset(
        {"start", "begin", "begins", "begins at", "starts_at", "start time", "time", "hora", "inicio", "comienzo"}
    ),
    "end": frozenset({"end", "ends", "ends at", "end time", "fin", "final", "hora de finalización"}),
    "minutes": frozenset({"minutes", "duration", "minutos", "duración", "duracion"}),
    "seats": frozenset({"seats", "students", "puestos", "plazas", "alumnos"}),
    "room": frozenset({"room", "location", "aula", "sala", "lugar", "ubicación"}),
}
ORDINARY = {"lab": 0, "start": 1, "minutes": 2, "seats": 3, "room": 4}
NO_START = N_("It does not say on which day and at what time it begins. Write it as 30/06/2027 10:00.")


@dataclass(frozen=True)
class Row:
    """One class of a timetable. `minutes` and `seats` are None where it does not say; `trouble`: not understood."""

    number: int
    text: str
    lab: str = ""
    starts_at: datetime | None = None
    minutes: int | None = None
    seats: int | None = None
    room: str = ""
    trouble: PortalError | None = None


def read_table(text: str, timezone: str) -> list[Row]:
    lines = rows_of(text)
    columns = columns_of(lines[0][1], TITLES, needed="lab") if lines else None
    return [row_of(number, cells, columns or ORDINARY, timezone) for number, cells in (lines[1:] if columns else lines)]


def row_of(number: int, cells: Sequence[str], columns: Mapping[str, int], timezone: str) -> Row:
    values = {kind: cells[place] for kind, place in columns.items() if place < len(cells)}
    text, lab = " · ".join(cell for cell in cells if cell)[:200], values.get("lab", "")
    try:
        starts_at = start_of(values, timezone)
        return Row(
            number,
            text,
            lab,
            starts_at,
            minutes_of(values, starts_at, timezone),
            whole_of(values.get("seats", "")),
            values.get("room", ""),
        )
    except PortalError as trouble:
        return Row(number, text, lab, trouble=trouble)


def start_of(values: Mapping[str, str], timezone: str) -> datetime:
    """Day and time, in one cell or in two; with an offset from UTC it is that moment, else the hospital's time."""
    written = " ".join(f"{values.get('day', '')} {values.get('start', '')}".split())
    try:
        exact = datetime.fromisoformat(written)
        if exact.tzinfo is not None and is_near(exact.date()):
            return exact.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    parts = written.replace("T", " ", 1).split()
    if len(parts) != 2:
        raise Invalid(NO_START)
    return moment(day_of(parts[0]), clock_of(parts[1]), timezone)


def is_near(day: date) -> bool:
    """No calendar's arithmetic fails between these years."""
    return 2000 <= day.year <= 2200


def day_of(text: str) -> date:
    for format in DAY_FORMATS:
        try:
            found = datetime.strptime(text, format).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
        if is_near(found):
            return found
    raise Invalid(N_("“%(text)s” is no day. Write it as day/month/year, for example 30/06/2027."), text=text[:40])


def clock_of(text: str) -> time:
    for format in CLOCK_FORMATS:
        try:
            return datetime.strptime(text, format).time()  # noqa: DTZ007 - nor has a time of day
        except ValueError:
            continue
    raise Invalid(N_("“%(text)s” is no time of day. Write it as hours:minutes, for example 10:00."), text=text[:40])


def minutes_of(values: Mapping[str, str], starts_at: datetime, timezone: str) -> int | None:
    """As written, or until the end that is written: a time of the same day, or day and time."""
    minutes, end = whole_of(values.get("minutes", "")), values.get("end", "").split()
    if minutes is not None or not end:
        return minutes
    local_day = starts_at.astimezone(ZoneInfo(timezone)).date()
    ends_at = moment(day_of(end[0]) if len(end) > 1 else local_day, clock_of(end[-1]), timezone)
    return (ends_at - starts_at) // timedelta(minutes=1)


def whole_of(text: str) -> int | None:
    """None for an empty cell. Raises Invalid."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise Invalid(N_("“%(text)s” is no whole number."), text=text[:40])
    return int(text)
