"""What a person orders, and how it is checked against the template, the days and the quota."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import lease, naming
from portal.core.errors import N_, Invalid, InvalidOrder, NotAllowed
from portal.core.lifecycle import VmRequestState
from portal.core.parameters import check_parameters
from portal.core.policy import Actor, Permission
from portal.core.quota import Amount
from portal.core.templates import Personalisation, Size, TemplateSpec, spec_from_data
from portal.core.texts import check_text
from portal.interfaces import Json
from portal.models import Department, Template, TemplateVersion, Vm, VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.models.vms import is_living
from portal.services import quotas, templates
from portal.services.calendar import licences_promised
from portal.services.capacity import licences_claimed

OPEN = (VmRequestState.SUBMITTED, VmRequestState.APPROVED, VmRequestState.PROVISIONING, VmRequestState.FAILED)
DECIDED = tuple(state for state in OPEN if state != VmRequestState.SUBMITTED)
COPY = re.compile(r"-\d\d$")  # the number that naming.vm_names gives
WINDOWS_NAME_LENGTH = 15  # NetBIOS


@dataclass(frozen=True)
class Order:
    """The form's answers. All but the template may be missing while a person is still choosing (see `estimate`).

    `department_id` may be None for who belongs to one department. `form_key` is the same for each submit of one form.
    `parameters` may be text as a form sends it ("30", "on"); they become typed values when they are checked.
    """

    template: str
    size: str = ""
    name: str = ""
    copies: int = 1
    purpose: str = ""
    ends_on: date | None = None
    starts_on: date | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    department_id: UUID | None = None
    form_key: str | None = None


@dataclass(frozen=True)
class CheckedOrder:
    """An order that makes sense. The secret answers are not shown in a repr."""

    order: Order
    department: Department
    spec: TemplateSpec
    size: Size
    ends_on: date
    values: Mapping[str, Json]
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def one(self) -> Amount:
        return one_of(self.size)


def one_of(size: Size) -> Amount:
    """What one machine of this size takes."""
    return Amount(1, size.vcpus.default, size.memory_mib.default, size.disk_gib.default)


def spec_of(db: Session, slug: str) -> TemplateSpec | None:
    """The template as its folder says now; None when it is gone or broken."""
    template = db.get(Template, slug)
    if template is None or template.gone or template.errors or template.spec is None:
        return None
    return spec_from_data(template.spec)


def decided_spec(vm_request: VmRequest, version: TemplateVersion) -> TemplateSpec:
    """What the request's machines are made by. Old requests kept none: theirs is the one their disk was built from."""
    return spec_from_data(vm_request.spec or version.spec)


def newest_version(db: Session, slug: str) -> TemplateVersion | None:
    template = db.get(Template, slug)
    if template is None:
        return None
    spec = spec_from_data(template.spec) if template.spec is not None else None
    return templates.newest(template.versions, spec)


def policy_of(spec: TemplateSpec, today: date) -> lease.LeasePolicy:
    return lease.policy_for(spec.network, out_of_support=not spec.system.is_supported(today))


def department_for(db: Session, actor: Actor, department_id: UUID | None) -> Department:
    """The department on whose behalf the person orders; who has only one need not name it."""
    allowed = actor.departments_for(Permission.SUBMIT)
    if department_id is None:
        if allowed is None or len(allowed) != 1:
            if allowed is not None and not allowed:
                raise NotAllowed(N_("You may not order machines."))
            raise Invalid(N_("Please choose a department."), field="department_id")
        (department_id,) = allowed
    if allowed is not None and department_id not in allowed:
        raise NotAllowed(N_("You may not order for this department."))
    return quotas.lock_department(db, department_id)


def check_order(db: Session, *, actor: Actor, order: Order, today: date) -> CheckedOrder:
    """Check every field, so that a person sees all that is wrong at once. Raises InvalidOrder."""
    department = department_for(db, actor, order.department_id)
    spec, _version = templates.orderable(db, slug=order.template, department=department)
    parameters = check_parameters(spec.parameters, order.parameters)
    errors = gather(
        lambda: check_size(spec, order.size),
        lambda: naming.check_copies(order.copies),
        lambda: check_name(db, order, spec),
        lambda: check_purpose(order.purpose),
        lambda: check_days(order, spec, today),
    )
    size = spec.size(order.size)
    if errors or parameters.problems or size is None or order.ends_on is None:
        raise InvalidOrder((*errors, *parameters.problems))
    checked = CheckedOrder(order, department, spec, size, order.ends_on, parameters.values, parameters.secrets)
    more = gather(
        lambda: check_seats(db, spec, order.copies),
        lambda: quotas.check_quota(quotas.quota_of(db, department), checked.one * order.copies, department=department),
    )
    if more:
        raise InvalidOrder(more)
    return checked


def gather(*checks: Callable[[], None]) -> tuple[Invalid, ...]:
    errors = []
    for check in checks:
        try:
            check()
        except Invalid as error:
            errors.append(error)
    return tuple(errors)


def check_size(spec: TemplateSpec, slug: str) -> None:
    if spec.size(slug) is None:
        raise Invalid(N_("Please choose one of the sizes."), field="size")


def check_purpose(purpose: str) -> None:
    if not 3 <= len(purpose.strip()) <= 2000:
        raise Invalid(N_("Please say in a few words what it is for."), field="purpose")
    check_text(purpose, field="purpose")


def check_days(order: Order, spec: TemplateSpec, today: date) -> None:
    if order.ends_on is None:
        raise Invalid(N_("Please say until when you need it."), field="ends_on")
    lease.check_days(
        starts_on=order.starts_on,
        ends_on=order.ends_on,
        today=today,
        network=spec.network,
        support_ends=spec.system.support_ends,
    )


def check_name(db: Session, order: Order, spec: TemplateSpec) -> None:
    """A name is free if no living machine and no open request has it."""
    naming.check_name(order.name)
    copies = min(max(order.copies, 1), naming.MAX_COPIES)
    names = naming.vm_names(order.name, copies)
    if spec.personalisation == Personalisation.SYSPREP and len(names[-1]) > WINDOWS_NAME_LENGTH:
        raise Invalid(
            N_("Windows names, with the number of the copy, have %(most)s characters at most."),
            field="name",
            most=WINDOWS_NAME_LENGTH,
        )
    taken = taken_name(db, set(names), states=OPEN)
    if taken is None:
        open_ones = select(VmRequest.name).where(VmRequest.name == order.name, VmRequest.state.in_(OPEN))
        taken = db.scalar(open_ones.limit(1))
    if taken is not None:
        raise Invalid(N_("There is already a machine or an order called “%(name)s”."), field="name", name=taken)


def taken_name(
    db: Session, names: set[str], *, states: Collection[VmRequestState], but: UUID | None = None
) -> str | None:
    """One of these names that a living machine has or a copy of another request, in one of these states, will have."""
    taken = db.scalar(select(Vm.name).where(Vm.name.in_(names), is_living(), Vm.vm_request_id != but).limit(1))
    if taken is not None:
        return taken
    possible = names | {COPY.sub("", name) for name in names}
    others = select(VmRequest.name, VmRequest.copies).where(
        VmRequest.name.in_(possible),
        VmRequest.state.in_(states),
        VmRequest.kind == VmRequestKind.MACHINES,
        VmRequest.id != but,
    )
    coming = {one for name, copies in db.execute(others) for one in naming.vm_names(name, copies)}
    return min(names & coming, default=None)


def check_seats(db: Session, spec: TemplateSpec, copies: int) -> None:
    """Licence seats are counted by what is claimed and what classes will need, over the whole house."""
    if spec.licence_seats is None:
        return
    db.execute(select(Template.slug).where(Template.slug == spec.slug).with_for_update())
    taken = licences_claimed(db, spec.slug) + licences_promised(db, spec.slug)
    left = max(spec.licence_seats - taken, 0)
    if copies > left:
        raise Invalid(N_("There are only %(left)s licences left for this template."), field="copies", left=left)
