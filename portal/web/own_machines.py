"""Asking for a machine of a kept seat as an own one: the order form without what the seat decides."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import InvalidOrder
from portal.core.labs import LabMachine
from portal.core.lease import local_day
from portal.core.policy import Permission
from portal.core.templates import Size
from portal.models import Keeping, LabSession, SeatMachine, VmRequest
from portal.services import keeping_holds, own_machines
from portal.services.lab_specs import spec_of
from portal.services.own_machines import Wish
from portal.web import orders, typed_secrets
from portal.web.class_board import own
from portal.web.class_links import title_of
from portal.web.context import actor, db, now, permission, site
from portal.web.forms.parameters import PREFIX
from portal.web.keepings import OF_CLASS, in_class
from portal.web.languages import current_language
from portal.web.orders import Ordering

bp = Blueprint("own_machines", __name__)
DECIDED = ("size", "copies", "starts_on")  # by the lab, and by that there is one disk


@dataclass(frozen=True)
class Source:
    """Where the disk comes from, and the order form of that machine's template."""

    lab_session: LabSession
    keeping: Keeping
    row: SeatMachine
    machine: LabMachine
    ordering: Ordering

    @property
    def size(self) -> Size:
        spec = self.ordering.spec
        return spec.size(self.machine.size) or spec.sizes[0]

    @property
    def machines(self) -> list[tuple[str, str]]:
        """All of the seat, by name."""
        language = current_language()
        return [(one.name, one.label.read(language)) for one in spec_of(self.lab_session.lab_version).machines]


@bp.get(f"{OF_CLASS}/own-machine", defaults={"machine": ""})
@bp.get(f"{OF_CLASS}/own-machine/<machine>")
@permission(Permission.TEACH)
def show(lab_session_id: UUID, keeping_id: UUID, machine: str) -> str:
    source = source_of(lab_session_id, keeping_id, machine)
    form = source.ordering.form
    form.name.data = orders.suggested_name(source.ordering.spec, source.ordering.department)
    secret = {parameter.name for parameter in source.ordering.spec.parameters if parameter.is_secret}
    for name, value in source.machine.parameters.items():
        if name not in secret and PREFIX + name in form:
            form[PREFIX + name].data = value
    return page(source)


@bp.post(f"{OF_CLASS}/own-machine/<machine>")
@permission(Permission.TEACH)
def ask(lab_session_id: UUID, keeping_id: UUID, machine: str) -> ResponseReturnValue:
    source = source_of(lab_session_id, keeping_id, machine)
    form, spec = source.ordering.form, source.ordering.spec
    typed_secrets.take_back(form, spec)
    if not form.validate_on_submit():
        return page_again(source), 422
    try:
        vm_request = hand_in(source)
    except InvalidOrder as error:
        db().rollback()
        orders.show_problems(form, error)
        return page_again(source_with(lab_session_id, keeping_id, machine, source)), 422
    db().commit()
    typed_secrets.forget(form, spec)
    flash(_("Your request for “%(name)s” is with the approver.", name=vm_request.name), "success")
    return redirect(url_for("vm_requests.show", vm_request_id=vm_request.id), 303)


def source_of(lab_session_id: UUID, keeping_id: UUID, name: str) -> Source:
    lab_session, keeping = own(lab_session_id), in_class(lab_session_id, keeping_id)
    row, machine = own_machines.machine_of(keeping, lab_session, name)
    ordering = orders.begin(machine.template)
    for field in DECIDED:
        delattr(ordering.form, field)
    return Source(lab_session, keeping, row, machine, ordering)


def source_with(lab_session_id: UUID, keeping_id: UUID, name: str, earlier: Source) -> Source:
    """Read anew after a rollback, with the form and what is wrong in it."""
    again = source_of(lab_session_id, keeping_id, name)
    ordering = Ordering(again.ordering.spec, again.ordering.departments, earlier.ordering.form)
    return Source(again.lab_session, again.keeping, again.row, again.machine, ordering)


def hand_in(source: Source) -> VmRequest:
    settings, form = site().settings, source.ordering.form
    wish = Wish(
        machine=source.row.name,
        name=form.name.data or "",
        purpose=form.purpose.data or "",
        ends_on=form.ends_on.data,
        department_id=source.ordering.department.id,
        parameters=form.parameters(),
        form_key=form.form_key.data or None,
    )
    return own_machines.ask(
        db(),
        actor=actor(),
        keeping_id=source.keeping.id,
        wish=wish,
        now=now(),
        secret_key=settings.secret_key,
        timezone=settings.timezone,
        base_url=settings.base_url,
    )


def page(source: Source) -> str:
    settings = site().settings
    return render_template(
        "own_machines/ask.html",
        source=source,
        form=source.ordering.form,
        spec=source.ordering.spec,
        title=title_of(source.lab_session),
        longest=keeping_holds.longest(source.lab_session, settings.keep_days_most),
        today=local_day(now(), settings.timezone),
        language=current_language(),
    )


def page_again(source: Source) -> str:
    typed_secrets.keep(source.ordering.form, source.ordering.spec)
    return page(source)
