"""The queue: what waits for a decision, the card with the facts, approving, denying, several at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import AlreadyDecided, Conflict, Invalid, PortalError
from portal.core.lease import local_day
from portal.core.lifecycle import VmRequestState
from portal.core.policy import Permission
from portal.core.quota import Amount
from portal.core.templates import AS_THE_SIZE_SAYS, Quantities
from portal.models import VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import approvals, decision_cards, orders, vm_requests
from portal.web.class_approvals import waiting_cards
from portal.web.class_links import title_of
from portal.web.context import actor, db, now, permission, site
from portal.web.formats import day, decision_word, when
from portal.web.forms.approvals import QUANTITIES, ApprovalForm, DenialForm, approval_form
from portal.web.languages import current_language, in_words
from portal.web.request_views import template_names, view_of

bp = Blueprint("approvals", __name__, url_prefix="/approvals")

AT_ONCE = 50
OUTCOMES = "approval_outcomes"


@dataclass(frozen=True)
class Changes:
    """What is given instead of what was asked for; None leaves it as it is."""

    size: str | None = None
    copies: int | None = None
    quantities: Quantities = AS_THE_SIZE_SAYS
    ends_on: date | None = None
    comment: str = ""


@bp.get("")
@permission(Permission.APPROVE)
def queue() -> str:
    shown = decision_cards.waiting(db(), actor=actor(), page=request.args.get("page", 1, type=int))
    return render_template(
        "approvals/queue.html",
        shown=shown,
        flags=decision_cards.flags_of_all(db(), shown.items, local_day(now(), site().settings.timezone)),
        outcomes=session.pop(OUTCOMES, []),
        template_names=template_names(),
        class_cards=waiting_cards(),
        title_of=title_of,
    )


@bp.post("/approve-selected")
@permission(Permission.APPROVE)
def approve_selected() -> ResponseReturnValue:
    """Each in its own transaction: one that can't be approved spoils none of the others."""
    chosen = chosen_ids()
    if not chosen:
        flash(_("Choose at least one request first."), "error")
    else:
        session[OUTCOMES] = [outcome_of(vm_request_id) for vm_request_id in chosen]
    return redirect(url_for("approvals.queue"), 303)


def chosen_ids() -> list[UUID]:
    ids: dict[UUID, None] = {}
    for text in request.form.getlist("chosen")[:AT_ONCE]:
        try:
            ids[UUID(text)] = None
        except ValueError:
            continue
    return list(ids)


def outcome_of(vm_request_id: UUID) -> dict[str, str | bool]:
    """What became of one of several, ready to be shown after the redirect."""
    try:
        vm_request = approve_with(vm_request_id, Changes())
    except PortalError as error:
        db().rollback()
        return {
            "id": str(vm_request_id),
            "name": name_of(vm_request_id),
            "ok": False,
            "text": said(error, vm_request_id),
        }
    db().commit()
    return {"id": str(vm_request_id), "name": vm_request.name, "ok": True, "text": what_follows(vm_request)}


def what_follows(vm_request: VmRequest) -> str:
    """What happens now that it is approved."""
    if vm_request.kind == VmRequestKind.EXTENSION:
        return str(_("Approved. The machine is kept until %(day)s.", day=day(vm_request.ends_on)))
    if vm_request.workflow_id is None and vm_request.starts_on is not None:
        return str(_("Approved. The work begins on %(day)s.", day=day(vm_request.starts_on)))
    return str(_("Approved. The work begins."))


def said(error: PortalError, vm_request_id: UUID) -> str:
    """The error in words; who decided first, and when, in the reader's own time."""
    if not isinstance(error, AlreadyDecided):
        return in_words(error)
    vm_request = load(vm_request_id)
    if vm_request.decided_by is None:
        return str(_("The person has taken it back."))
    who, at = vm_request.decided_by.name, when(vm_request.decided_at)
    return str(
        _("Already decided by %(who)s at %(at)s: %(state)s.", who=who, at=at, state=decision_word(vm_request.state))
    )


def name_of(vm_request_id: UUID) -> str:
    try:
        return load(vm_request_id).name
    except PortalError:
        return "–"


@bp.get("/<uuid:vm_request_id>")
@permission(Permission.APPROVE)
def show(vm_request_id: UUID) -> str:
    vm_request = load(vm_request_id)
    return page(vm_request, form_for(vm_request), DenialForm())


@bp.post("/<uuid:vm_request_id>/approve")
@permission(Permission.APPROVE)
def approve(vm_request_id: UUID) -> ResponseReturnValue:
    form = form_for(load(vm_request_id))
    if not form.validate_on_submit():
        return page(load(vm_request_id), form, DenialForm(formdata=None)), 422
    try:
        vm_request = approve_with(vm_request_id, changes_in(form, load(vm_request_id)))
    except Invalid as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return page(load(vm_request_id), form, DenialForm(formdata=None)), 422
    except Conflict as error:
        return back_to_card(vm_request_id, error)
    db().commit()
    flash(_("“%(name)s” for %(who)s is approved.", name=vm_request.name, who=vm_request.submitted_by.name), "success")
    return redirect(url_for("approvals.queue"), 303)


@bp.post("/<uuid:vm_request_id>/deny")
@permission(Permission.APPROVE)
def deny(vm_request_id: UUID) -> ResponseReturnValue:
    form = DenialForm()
    if not form.validate_on_submit():
        vm_request = load(vm_request_id)
        return page(vm_request, form_for(vm_request, fresh=True), form), 422
    try:
        vm_request = approvals.deny(
            db(),
            actor=actor(),
            vm_request_id=vm_request_id,
            reason=form.reason.data or "",
            now=now(),
            base_url=site().settings.base_url,
        )
    except Conflict as error:
        return back_to_card(vm_request_id, error)
    db().commit()
    flash(_("“%(name)s” is denied; %(who)s reads why.", name=vm_request.name, who=vm_request.submitted_by.name), "info")
    return redirect(url_for("approvals.queue"), 303)


def back_to_card(vm_request_id: UUID, error: Conflict) -> ResponseReturnValue:
    """Somebody was faster, or the cluster has no room: the card says so and shows how things stand now."""
    db().rollback()
    flash(said(error, vm_request_id), "warning")
    return redirect(url_for("approvals.show", vm_request_id=vm_request_id), 303)


def approve_with(vm_request_id: UUID, changes: Changes) -> VmRequest:
    settings = site().settings
    return approvals.approve(
        db(),
        actor=actor(),
        vm_request_id=vm_request_id,
        queue=site().queue,
        now=now(),
        size=changes.size,
        copies=changes.copies,
        quantities=changes.quantities,
        ends_on=changes.ends_on,
        comment=changes.comment,
        timezone=settings.timezone,
        reserve_hosts=settings.reserve_hosts,
        base_url=settings.base_url,
    )


def changes_in(form: ApprovalForm, vm_request: VmRequest) -> Changes:
    """Only what differs from the order is a change."""
    return Changes(
        size=form.size.data if form.size.data and form.size.data != vm_request.size else None,
        copies=form.copies.data if form.copies.data != vm_request.copies else None,
        quantities=quantities_in(form, vm_request),
        ends_on=form.ends_on.data if form.ends_on.data != vm_request.ends_on else None,
        comment=form.comment.data or "",
    )


def quantities_in(form: ApprovalForm, vm_request: VmRequest) -> Quantities:
    typed = {name: form[name].data for name in QUANTITIES if name in form}
    return Quantities(**{name: value for name, value in typed.items() if value != getattr(vm_request, name)})


def form_for(vm_request: VmRequest, *, fresh: bool = False) -> ApprovalForm:
    """The sizes to choose from are those of the template that take no more than what was asked for."""
    spec = orders.spec_of(db(), vm_request.template_slug)
    asked = Amount(1, vm_request.vcpus, vm_request.memory_mib, vm_request.disk_gib)
    fitting = [size for size in spec.sizes if orders.one_of(size).fits(asked)] if spec else []
    sizes = [(size.slug, size.label.read(current_language())) for size in fitting]
    ordered = spec.size(vm_request.size) if spec and vm_request.kind != VmRequestKind.EXTENSION else None
    return approval_form(vm_request, sizes, ordered=ordered, fresh=fresh)


def page(vm_request: VmRequest, approval: ApprovalForm, denial: DenialForm) -> str:
    settings = site().settings
    card = decision_cards.card(
        db(),
        actor=actor(),
        vm_request=vm_request,
        now=now(),
        timezone=settings.timezone,
        reserve_hosts=settings.reserve_hosts,
    )
    decided = vm_request.state != VmRequestState.SUBMITTED
    return render_template(
        "approvals/show.html",
        card=card,
        view=view_of(vm_request),
        approval=approval,
        denial=denial,
        decided=decided,
    )


def load(vm_request_id: UUID) -> VmRequest:
    return vm_requests.get(db(), actor=actor(), vm_request_id=vm_request_id)
