"""How times, sizes and states read on a page, in the reader's language and the hospital's time zone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from babel.dates import format_skeleton
from flask import Flask, url_for
from flask_babel import (
    format_date,
    format_datetime,
    format_decimal,
    format_time,
    format_timedelta,
    get_locale,
    gettext,
    lazy_gettext,
)

from portal.config import ROOT
from portal.core.errors import filled
from portal.core.lifecycle import VmRequestState
from portal.services.playbook_words import in_words, translator
from portal.web.audit_words import action_words, details_words, reason_words
from portal.web.context import now

STATIC = ROOT / "static"
MIB_PER_GIB = 1024
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ = lazy_gettext

STATES: Mapping[str, object] = {
    "submitted": _("waiting for approval"),
    "approved": _("approved"),
    "denied": _("denied"),
    "cancelled": _("cancelled"),
    "provisioning": _("being made"),
    "fulfilled": _("ready"),
    "failed": _("failed"),
    "cloning": _("being made"),
    "running": _("running"),
    "stopped": _("off"),
    "parked": _("parked"),
    "retired": _("given back"),
    "error": _("in trouble"),
    "waiting": _("waiting"),
    "cancelling": _("being cancelled"),
    "done": _("done"),
    "undone": _("undone"),
    "succeeded": _("done"),
    "booked": _("booked"),
    "preparing": _("being prepared"),
    "ready": _("ready"),
    "ended": _("over"),
    "active": _("in service"),
    "draining": _("being emptied"),
    "maintenance": _("in maintenance"),
    "lost": _("lost"),
    "silent": _("does not answer"),
    "building": _("being made"),
    "taken": _("taken"),
    "replaced": _("replaced"),
    "kept": _("kept"),
    "gone": _("gone"),
    "lapsed": _("not decided in time"),
    "queued": _("waiting to be sent"),
    "sent": _("sent"),
}
TONES: Mapping[str, str] = {
    "running": "good",
    "ready": "good",
    "fulfilled": "good",
    "active": "good",
    "sent": "good",
    "done": "good",
    "succeeded": "good",
    "taken": "busy",
    "building": "wait",
    "preparing": "busy",
    "booked": "wait",
    "replaced": "bad",
    "approved": "busy",
    "provisioning": "busy",
    "cloning": "busy",
    "cancelling": "busy",
    "submitted": "wait",
    "waiting": "wait",
    "queued": "wait",
    "draining": "wait",
    "maintenance": "wait",
    "denied": "bad",
    "failed": "bad",
    "error": "bad",
    "lost": "bad",
    "silent": "bad",
}


def init_formats(app: Flask) -> None:
    app.add_template_filter(when)
    app.add_template_filter(playbook_words)
    app.add_template_filter(day)
    app.add_template_filter(hour)
    app.add_template_filter(short_day)
    app.add_template_filter(weekday)
    app.add_template_filter(until)
    app.add_template_filter(memory)
    app.add_template_filter(state_word)
    app.add_template_filter(state_tone)
    app.add_template_filter(number)
    app.add_template_filter(action_words)
    app.add_template_filter(details_words)
    app.add_template_filter(reason_words)
    app.add_template_filter(decision_word)
    app.add_template_global(asset)


def when(at: datetime | None) -> str:
    """A moment: "24 nov 2026, 14:05", local."""
    return format_datetime(at, "medium").rsplit(":", 1)[0] if at else "–"


def day(value: date | datetime | None) -> str:
    """A day: "24 de noviembre de 2026", local."""
    if value is None:
        return "–"
    return str(format_date(value, "long", rebase=isinstance(value, datetime)))


def hour(at: datetime) -> str:
    """A time of day: "14:05", local."""
    return str(format_time(at, "short"))


def short_day(value: date) -> str:
    """A day where there is little room: "24 nov"."""
    return str(format_skeleton("MMMd", value, locale=get_locale()))


def weekday(value: date) -> str:
    return str(format_date(value, "EEEE", rebase=False))


def until(at: datetime | None) -> str:
    """How far away a moment is: "in 3 days"."""
    return str(format_timedelta(at - now(), add_direction=True, threshold=1.2)) if at else "–"


def memory(mib: int) -> str:
    """Memory in words people know: 512 MB, 2 GB."""
    if mib < MIB_PER_GIB:
        return f"{mib} MB"
    return f"{format_decimal(round(mib / MIB_PER_GIB, 1))} GB"


def number(value: float) -> str:
    return str(format_decimal(value))


def state_word(state: str) -> str:
    return str(STATES.get(str(state), str(state)))


def decision_word(state: str) -> str:
    """What was decided, whatever has become of it since."""
    kept = (VmRequestState.DENIED, VmRequestState.CANCELLED)
    return state_word(state if state in kept else VmRequestState.APPROVED)


def state_tone(state: str) -> str:
    return TONES.get(str(state), "calm")


def asset(name: str) -> str:
    """The address of a static file, with a version so that browsers keep it until it changes."""
    path = STATIC / name
    return url_for("static", filename=name, v=digest_of(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=200)
def digest_of(path: Path, _changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def translated(message: str, params: Mapping[str, object] | None = None) -> str:
    """A msgid that a service wrote down, in the reader's language."""
    values = {name: readable(value) for name, value in (params or {}).items()}
    return filled(message, values, translator(gettext))


def playbook_words(text: str) -> str:
    """A line of a playbook in the reader's language."""
    return in_words(text, gettext)


def readable(value: object) -> object:
    """A day that a service wrote down as 2027-06-30, or 3.8, as people write it; anything else as it is."""
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, float):
        return number(value)
    if not isinstance(value, str) or not ISO_DAY.fullmatch(value):
        return value
    try:
        return day(date.fromisoformat(value))
    except ValueError:  # 2027-02-31 is somebody's own text
        return value
