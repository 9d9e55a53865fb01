"""Requests: the list, the page that shows one live, and taking back, trying again, rolling back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_time
from flask_babel import gettext as _

from portal.core.lease import local_day
from portal.core.lifecycle import VmRequestState
from portal.core.policy import Permission
from portal.models import VmRequest
from portal.services import quotas, vm_requests
from portal.services.paging import Page
from portal.web.context import actor, background, db, now, permission, site
from portal.web.csv_files import csv_answer, cut_row
from portal.web.formats import state_word
from portal.web.request_views import template_names, view_of

bp = Blueprint("vm_requests", __name__, url_prefix="/vm-requests")

CSV_PAGES = 40  # 40 pages of 250: whoever wants more narrows the search
CSV_PER_PAGE = 250


@dataclass(frozen=True)
class Filters:
    """What the list shows: one's own or all that one may see, a state, a department, words."""

    mine: bool
    state: VmRequestState | None
    department: str | None
    text: str

    @property
    def narrowed(self) -> bool:
        return bool(self.state or self.department or self.text)

    def in_address(self) -> dict[str, str]:
        """The same filters for a link."""
        chosen = {"whose": "mine" if self.mine else "all", "state": self.state or "", "q": self.text}
        return {name: str(value) for name, value in {**chosen, "department": self.department}.items() if value}


def read_filters() -> Filters:
    """Unknown words in the address are ignored, as a link from an old mail may carry them."""
    state = request.args.get("state", "")
    default = "mine" if actor().departments_for(Permission.SEE_DEPARTMENT) is not None else "all"
    return Filters(
        mine=request.args.get("whose", default) == "mine",
        state=VmRequestState(state) if state in set(VmRequestState) else None,
        department=request.args.get("department", "")[:60] or None,
        text=request.args.get("q", "").strip()[:100],
    )


def found(filters: Filters, page: int, per_page: int = 50) -> Page[VmRequest]:
    return vm_requests.search(
        db(),
        actor=actor(),
        state=filters.state,
        department=filters.department,
        text=filters.text or None,
        page=page,
        mine=filters.mine,
        per_page=per_page,
    )


@bp.get("")
@permission(Permission.SEE_DEPARTMENT)
def index() -> str:
    filters = read_filters()
    return render_template(
        "vm_requests/index.html",
        shown=found(filters, request.args.get("page", 1, type=int)),
        filters=filters,
        states=list(VmRequestState),
        departments=quotas.departments(db(), actor=actor(), permission=Permission.SEE_DEPARTMENT),
        everywhere=actor().departments_for(Permission.SEE_DEPARTMENT) is None,
        template_names=template_names(),
    )


@bp.get("/table.csv")
@permission(Permission.SEE_DEPARTMENT)
def as_csv() -> Response:
    """The same list for a spreadsheet."""
    titles = [_("Name"), _("State"), _("Department"), _("Person"), _("Template"), _("Copies"), _("Sent"), _("Until")]
    return csv_answer("requests", titles, list(rows_for(read_filters())))


def rows_for(filters: Filters) -> Iterable[tuple[object, ...]]:
    for number in range(1, CSV_PAGES + 1):
        shown = found(filters, number, CSV_PER_PAGE)
        yield from (cells_of(row) for row in shown.items)
        if number >= shown.pages:
            return
    yield cut_row(CSV_PAGES * CSV_PER_PAGE)


def cells_of(row: VmRequest) -> tuple[object, ...]:
    people = (row.department.name, row.submitted_by.name)
    sent = local_day(row.submitted_at, site().settings.timezone)
    return (row.name, state_word(row.state), *people, row.template_slug, row.copies, sent, row.ends_on)


@bp.get("/<uuid:vm_request_id>")
@permission(Permission.SEE_DEPARTMENT)
def show(vm_request_id: UUID) -> str:
    return render_template("vm_requests/show.html", view=view_of(load(vm_request_id)))


@bp.get("/<uuid:vm_request_id>/progress")
@background
@permission(Permission.SEE_DEPARTMENT)
def progress(vm_request_id: UUID) -> str:
    """The part of the page that changes while the work goes on."""
    return render_template("vm_requests/_progress.html", view=view_of(load(vm_request_id)), alone=True)


@bp.get("/<uuid:vm_request_id>/cancel")
@permission(Permission.SUBMIT)
def ask_cancel(vm_request_id: UUID) -> str:
    vm_request = load(vm_request_id)
    return render_template(
        "components/confirm.html",
        title=_("Cancel “%(name)s”?", name=vm_request.name),
        text=_("The request is taken back. What has been made of it so far is removed."),
        action=url_for("vm_requests.cancel", vm_request_id=vm_request.id),
        back=url_for("vm_requests.show", vm_request_id=vm_request.id),
        words=_("Yes, cancel it"),
        danger=True,
    )


@bp.post("/<uuid:vm_request_id>/cancel")
@permission(Permission.SUBMIT)
def cancel(vm_request_id: UUID) -> ResponseReturnValue:
    reason = request.form.get("reason", "").strip()[:1000]
    vm_request = vm_requests.cancel(
        db(), actor=actor(), vm_request_id=vm_request_id, now=now(), queue=site().queue, reason=reason
    )
    db().commit()
    if vm_request.state == VmRequestState.CANCELLED:
        flash(_("“%(name)s” is cancelled.", name=vm_request.name), "success")
    else:
        flash(_("“%(name)s” stops at its next safe point and cleans up.", name=vm_request.name), "info")
    return back_to(vm_request)


@bp.post("/<uuid:vm_request_id>/retry")
@permission(Permission.SUBMIT)
def retry(vm_request_id: UUID) -> ResponseReturnValue:
    vm_request = vm_requests.retry(db(), actor=actor(), vm_request_id=vm_request_id, now=now(), queue=site().queue)
    db().commit()
    flash(_("“%(name)s” goes on from the step that failed.", name=vm_request.name), "success")
    return back_to(vm_request)


@bp.get("/<uuid:vm_request_id>/roll-back")
@permission(Permission.SUBMIT)
def ask_roll_back(vm_request_id: UUID) -> str:
    vm_request = load(vm_request_id)
    return render_template(
        "components/confirm.html",
        title=_("Roll “%(name)s” back?", name=vm_request.name),
        text=_("All that was made for this request is removed, and the request is closed. You can order again."),
        action=url_for("vm_requests.roll_back", vm_request_id=vm_request.id),
        back=url_for("vm_requests.show", vm_request_id=vm_request.id),
        words=_("Yes, remove it all"),
        danger=True,
    )


@bp.post("/<uuid:vm_request_id>/roll-back")
@permission(Permission.SUBMIT)
def roll_back(vm_request_id: UUID) -> ResponseReturnValue:
    vm_request = vm_requests.roll_back(db(), actor=actor(), vm_request_id=vm_request_id, now=now(), queue=site().queue)
    db().commit()
    flash(_("What “%(name)s” left behind is being removed.", name=vm_request.name), "success")
    return back_to(vm_request)


@bp.app_template_filter("clock")
def clock(at: datetime) -> str:
    """The time of day of a line in a log, local."""
    return str(format_time(at, "HH:mm:ss"))


def load(vm_request_id: UUID) -> VmRequest:
    return vm_requests.get(db(), actor=actor(), vm_request_id=vm_request_id)


def back_to(vm_request: VmRequest) -> ResponseReturnValue:
    return redirect(url_for("vm_requests.show", vm_request_id=vm_request.id), 303)
