"""The audit log, for auditors: who did what, when and why; filtered, and as a table to take away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.policy import Permission
from portal.models import AuditEntry, Department
from portal.services import accounts, audit, quotas
from portal.services.audit import AuditFilter
from portal.web.audit_words import ACTIONS, action_words
from portal.web.context import actor, db, permission, site
from portal.web.csv_files import csv_answer

bp = Blueprint("audit", __name__, url_prefix="/audit")
NOBODY = UUID(int=0)


def day_of(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def midnight(day: date | None) -> datetime | None:
    """The beginning of that day in the hospital's time zone."""
    return datetime.combine(day, time(), ZoneInfo(site().settings.timezone)) if day else None


def filters() -> AuditFilter:
    until = day_of("until")
    departments = {one.slug: one.id for one in all_departments()}
    return AuditFilter(
        action=request.args.get("action", "").strip()[:60] or None,
        actor_id=who(request.args.get("who", "").strip()[:80]),
        subject_id=request.args.get("subject", "").strip()[:80] or None,
        department_id=departments.get(request.args.get("department", "")),
        since=midnight(day_of("since")),
        until=midnight(until + timedelta(days=1) if until else None),
    )


def who(login: str) -> UUID | None:
    """The account of a user name; nobody's for a name that nobody has, so that nothing is found."""
    account = accounts.by_login(db(), login) if login else None
    return account.id if account else NOBODY if login else None


def all_departments() -> list[Department]:
    return quotas.departments(db(), actor=actor(), permission=Permission.SEE_AUDIT)


@bp.get("")
@permission(Permission.SEE_AUDIT)
def index() -> ResponseReturnValue:
    found = audit.entries(db(), actor=actor(), filters=filters(), page=request.args.get("page", 1, type=int))
    return render_template("audit/index.html", found=found, departments=all_departments(), actions=ACTIONS)


@bp.get("/table.csv")
@permission(Permission.SEE_AUDIT)
def table() -> Response:
    """All of it: an auditor must not take a part for the whole."""
    titles = (
        _("Number"),
        _("When"),
        _("Who"),
        _("What"),
        _("Action"),
        _("About"),
        _("Name"),
        _("Reason"),
        _("Details"),
    )
    return csv_answer("audit", titles, rows_for(filters()))


def rows_for(wanted: AuditFilter) -> Iterator[tuple[object, ...]]:
    """In a session of its own: the page's is closed before the last row is sent."""
    with site().sessions() as reading:
        yield from (row_of(entry) for entry in audit.every(reading, actor=actor(), filters=wanted))


def row_of(entry: AuditEntry) -> tuple[object, ...]:
    return (
        entry.id,
        entry.at.isoformat(),
        entry.actor,
        action_words(entry.action),
        entry.action,
        f"{entry.subject_kind} {entry.subject_id}",
        entry.subject_name,
        entry.reason,
        json.dumps(entry.details, ensure_ascii=False, sort_keys=True),
    )


@bp.get("/chain")
@permission(Permission.SEE_AUDIT)
def chain() -> ResponseReturnValue:
    """Recompute the whole chain: on demand, for it reads every entry."""
    return render_template("audit/chain.html", report=audit.verify_chain(db()))
