"""Ordering one template: the form, what it would take, and handing it in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import N_, Conflict, Invalid, InvalidOrder, NotAllowed
from portal.core.lease import last_day, local_day, possible_first_day
from portal.core.naming import NAME_LENGTH
from portal.core.policy import Permission
from portal.core.templates import Personalisation, TemplateSpec
from portal.models import Department, VmRequest
from portal.services import quotas, templates, vm_requests
from portal.services.orders import WINDOWS_NAME_LENGTH, Order, check_name, check_order
from portal.services.vm_requests import Estimate
from portal.web import typed_secrets
from portal.web.context import actor, db, now, permission, site
from portal.web.forms.end_dates import EndChoice, end_choices
from portal.web.forms.vm_requests import OrderForm, order_form_for
from portal.web.languages import current_language, in_words

bp = Blueprint("orders", __name__, url_prefix="/catalogue/<slug>")


@dataclass(frozen=True)
class Ordering:
    """One template on order, with the departments that the person may order it for."""

    spec: TemplateSpec
    departments: list[Department]
    form: OrderForm

    @property
    def department(self) -> Department:
        """The one chosen, else the first."""
        chosen = self.form.department_id.data if "department_id" in self.form else None
        return next((each for each in self.departments if str(each.id) == chosen), self.departments[0])


@bp.get("/order")
@permission(Permission.SUBMIT)
def show(slug: str) -> str:
    ordering = begin(slug)
    ordering.form.name.data = suggested_name(ordering.spec, ordering.department)
    return page(ordering)


@bp.get("/estimate")
@permission(Permission.SUBMIT)
def estimate(slug: str) -> str:
    """The panel beside the form: asked again with each change."""
    ordering = begin(slug, from_address=True)
    return render_template("catalogue/_estimate.html", ordering=ordering, estimate=estimate_of(ordering))


@bp.post("/order")
@permission(Permission.SUBMIT)
def submit(slug: str) -> ResponseReturnValue:
    ordering = begin(slug)
    typed_secrets.take_back(ordering.form, ordering.spec)
    if "quick_end" in request.form or "recalculate" in request.form:
        take_quick_end(ordering.form)
        return page_again(ordering)
    if not ordering.form.validate_on_submit():
        show_what_else(ordering)
        return page_again(ordering), 422
    try:
        vm_request = hand_in(ordering)
    except InvalidOrder as error:
        show_problems(ordering.form, error)
        return page_again(ordering), 422
    db().commit()
    typed_secrets.forget(ordering.form, ordering.spec)
    flash(_("Your request for “%(name)s” is with the approver.", name=vm_request.name), "success")
    return redirect(url_for("vm_requests.show", vm_request_id=vm_request.id), 303)


def begin(slug: str, *, from_address: bool = False) -> Ordering:
    """Load what is ordered and the form made for it; `from_address` reads the answers from the query."""
    offer = templates.get(db(), actor=actor(), slug=slug)
    if offer.why_not or offer.spec is None:
        raise Conflict(offer.why_not or templates.WHY_BROKEN)
    mine = departments_for(offer.spec)
    named = [(str(each.id), each.name) for each in mine]
    kind = order_form_for(offer.spec, departments=named, locale=current_language())
    form = kind(request.args, meta={"csrf": False}) if from_address else kind()
    return Ordering(offer.spec, mine, form)


def departments_for(spec: TemplateSpec) -> list[Department]:
    allowed = quotas.departments(db(), actor=actor(), permission=Permission.SUBMIT)
    mine = [department for department in allowed if spec.may_be_ordered_by(department.slug)]
    if not mine:
        raise NotAllowed(N_("Your department may not order this template."))
    return mine


def page(ordering: Ordering) -> str:
    return render_template(
        "catalogue/order.html",
        ordering=ordering,
        spec=ordering.spec,
        form=ordering.form,
        estimate=estimate_of(ordering),
        end_choices=choices_for(ordering.spec, ordering.form.starts_on.data),
        today=local_day(now(), site().settings.timezone),
        language=current_language(),
    )


def page_again(ordering: Ordering) -> str:
    """The page with all that was typed; secrets are kept on this side."""
    typed_secrets.keep(ordering.form, ordering.spec)
    return page(ordering)


def order_of(ordering: Ordering) -> Order:
    """The answers so far; while a person is still choosing some may be missing."""
    form = ordering.form
    return Order(
        template=ordering.spec.slug,
        size=form.size.data or "",
        name=form.name.data or "",
        copies=form.copies.data or 1,
        purpose=form.purpose.data or "",
        ends_on=form.ends_on.data,
        starts_on=form.starts_on.data,
        parameters=form.parameters(),
        department_id=ordering.department.id,
        form_key=form.form_key.data or None,
    )


def estimate_of(ordering: Ordering) -> Estimate | None:
    return vm_requests.estimate(
        db(), actor=actor(), order=order_of(ordering), now=now(), timezone=site().settings.timezone
    )


def hand_in(ordering: Ordering) -> VmRequest:
    settings = site().settings
    return vm_requests.submit(
        db(),
        actor=actor(),
        order=order_of(ordering),
        now=now(),
        secret_key=settings.secret_key,
        timezone=settings.timezone,
        base_url=settings.base_url,
    )


def show_problems(form: OrderForm, error: InvalidOrder) -> None:
    """Each problem beside its field; what belongs to no field stands above the form."""
    for problem in error.errors:
        form.add_problem(problem.field, in_words(problem))


def show_what_else(ordering: Ordering) -> None:
    """All that is wrong is said at once: also what only the rules see, where the field's shape is right."""
    today = local_day(now(), site().settings.timezone)
    try:
        check_order(db(), actor=actor(), order=order_of(ordering), today=today)
    except InvalidOrder as error:
        wrong = set(ordering.form.errors)
        others = tuple(problem for problem in error.errors if ordering.form.own_name(problem.field) not in wrong)
        show_problems(ordering.form, InvalidOrder(others))


def take_quick_end(form: OrderForm) -> None:
    """A button such as "30 June" was pressed where there is no JavaScript."""
    try:
        form.ends_on.data = date.fromisoformat(request.form.get("quick_end", ""))
    except ValueError:
        return
    form.ends_on.raw_data = None


def choices_for(spec: TemplateSpec, starts_on: date | None) -> list[EndChoice]:
    today = local_day(now(), site().settings.timezone)
    first = possible_first_day(starts_on, today)
    longest = last_day(first, network=spec.network, support_ends=spec.system.support_ends)
    return end_choices(today, longest)


def suggested_name(spec: TemplateSpec, department: Department) -> str:
    """A legal name such as "moodle-farmacia", not taken yet, short enough that copies can be numbered."""
    longest = WINDOWS_NAME_LENGTH if spec.personalisation == Personalisation.SYSPREP else NAME_LENGTH
    name = f"{spec.slug}-{department.slug}"[: longest - len("-9-01")].strip("-")
    others = (f"{name}-{number}" for number in range(2, 10))
    return next((each for each in (name, *others) if is_free(each, spec)), name)


def is_free(name: str, spec: TemplateSpec) -> bool:
    try:
        check_name(db(), Order(spec.slug, name=name), spec)
    except Invalid:
        return False
    return True
