"""One request with all that its pages show: words for its template, progress, log, machines, what may be done."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask_babel import format_timedelta, ngettext
from flask_babel import gettext as _
from sqlalchemy import select

from portal.core.errors import PortalError
from portal.core.lifecycle import VmRequestState, VmState, WorkflowState
from portal.core.naming import vm_id_for
from portal.core.quota import Amount
from portal.core.templates import Parameter, ParameterKind, TemplateSpec
from portal.models import JobLine, Template, VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import accounts, orders, own_machines, vm_requests, workflows
from portal.services.workflows import CopyView, Progress
from portal.web.class_links import title_of
from portal.web.context import actor, db, now
from portal.web.formats import day, memory, translated, when
from portal.web.languages import current_language

LOG_LINES = 400  # the newest; the whole log stays in the database
LOG_ROUNDS = 20

STATES_WITH_PAGE = frozenset(set(VmState) - {VmState.CLONING})  # a retired machine keeps its page as a record
UNDER_WAY = frozenset({VmRequestState.APPROVED, VmRequestState.PROVISIONING})
WAITING = VmRequestState.SUBMITTED


@dataclass(frozen=True)
class Fact:
    label: str
    value: str
    asked: str = ""  # what was asked for, where the decision differs


@dataclass(frozen=True)
class Copy:
    """One machine of the request; `vm_id` once there is a page to go to."""

    name: str
    state: str
    message: str
    vm_id: UUID | None


@dataclass(frozen=True)
class RequestView:
    vm_request: VmRequest
    template: str
    facts: tuple[Fact, ...]
    takes: Amount
    progress: Progress | None
    lines: tuple[JobLine, ...]
    copies: tuple[Copy, ...]
    approvers: tuple[str, ...]  # who may decide, while it waits
    may_cancel: bool
    may_start_again: bool

    @property
    def is_extension(self) -> bool:
        """More time for a machine that is there already: nothing is made."""
        return self.vm_request.kind == VmRequestKind.EXTENSION

    @property
    def is_under_way(self) -> bool:
        """Something will change without anybody pressing a button here."""
        if self.progress is not None and self.progress.state in workflows.LIVE:
            return True
        return self.vm_request.state in UNDER_WAY

    @property
    def is_waiting(self) -> bool:
        return self.vm_request.state == WAITING

    @property
    def is_open(self) -> bool:
        """Worth watching live."""
        return self.is_waiting or self.is_under_way

    @property
    def is_given_back(self) -> bool:
        """Every machine of it is retired."""
        return bool(self.copies) and all(copy.state == VmState.RETIRED for copy in self.copies)

    @property
    def is_cancelling(self) -> bool:
        return self.progress is not None and self.progress.state == WorkflowState.CANCELLING

    @property
    def time_left(self) -> str:
        """ "about 2 minutes", from earlier runs; empty without experience."""
        seconds = self.progress.seconds_left if self.progress else None
        if not seconds:
            return ""
        return str(format_timedelta(timedelta(seconds=max(seconds, 5)), threshold=1.2))


def view_of(vm_request: VmRequest) -> RequestView:
    spec = orders.spec_of(db(), vm_request.template_slug)
    progress = workflows.progress_of(db(), vm_request, now())
    one = Amount(1, vm_request.vcpus, vm_request.memory_mib, vm_request.disk_gib)
    return RequestView(
        vm_request=vm_request,
        template=spec.name.read(current_language()) if spec else vm_request.template_slug,
        facts=(*source_facts(vm_request), *decided_facts(vm_request, spec), *parameter_facts(vm_request, spec)),
        takes=one * vm_request.copies,
        progress=progress,
        lines=newest_lines(progress.workflow_id) if progress else (),
        copies=copies_of(vm_request, progress.copies if progress else ()),
        approvers=approvers_of(vm_request),
        may_cancel=may_cancel(vm_request, progress),
        may_start_again=vm_request.state == VmRequestState.FAILED and may_change(vm_request, deciders=True),
    )


def template_names() -> dict[str, str]:
    """Names of all templates in the reader's language, in one query, for lists."""
    language = current_language()
    rows = db().execute(select(Template.slug, Template.spec))
    return {slug: str(spec["name"].get(language, slug)) for slug, spec in rows if spec and "name" in spec}


def source_facts(vm_request: VmRequest) -> tuple[Fact, ...]:
    """Of a machine that begins with the disk of a kept seat: which one."""
    source = own_machines.source_of(db(), vm_request.id)
    if source is None or source.keeping.seat is None:
        return ()
    words = _(
        "With the disk of “%(machine)s” of seat %(number)s of the class “%(title)s”",
        machine=source.machine.name,
        number=source.keeping.seat.number,
        title=title_of(source.keeping.lab_session),
    )
    copied = _("copied on %(when)s", when=when(source.copied_at)) if source.copied_at else _("not copied yet")
    return (Fact(_("Disk"), f"{words}; {copied}"),)


def decided_facts(vm_request: VmRequest, spec: TemplateSpec | None) -> tuple[Fact, ...]:
    """Size, copies and end as they hold, with what was asked for where the approver gave less."""
    asked = vm_request.wanted
    ends_on = asked.get("ends_on")
    asked_end = day(date.fromisoformat(ends_on)) if ends_on else ""
    if vm_request.kind == VmRequestKind.EXTENSION:
        return (Fact(_("Until"), day(vm_request.ends_on), differing(asked_end, day(vm_request.ends_on))),)
    size = size_words(spec, vm_request.size)
    return (
        Fact(_("Size"), size + moved_words(vm_request, spec), differing(size_words(spec, asked.get("size", "")), size)),
        Fact(_("Copies"), str(vm_request.copies), differing(str(asked.get("copies", "")), str(vm_request.copies))),
        Fact(_("Wanted from"), day(vm_request.starts_on) if vm_request.starts_on else _("As soon as it is approved")),
        Fact(_("Until"), day(vm_request.ends_on), differing(asked_end, day(vm_request.ends_on))),
    )


def differing(asked: str, decided: str) -> str:
    return asked if asked != decided else ""


def size_words(spec: TemplateSpec | None, slug: str) -> str:
    size = spec.size(slug) if spec else None
    return size.label.read(current_language()) if size else slug


def moved_words(vm_request: VmRequest, spec: TemplateSpec | None) -> str:
    """What one machine gets, where the approver has moved it from what the size says."""
    size = spec.size(vm_request.size) if spec else None
    one = Amount(1, vm_request.vcpus, vm_request.memory_mib, vm_request.disk_gib)
    if size is None or orders.one_of(size) == one:
        return ""
    processors = ngettext("%(num)d processor", "%(num)d processors", one.vcpus)
    disk = _("%(gib)s GB of disk", gib=one.disk_gib)
    return f" ({processors}, {memory(one.memory_mib)}, {disk})"


def parameter_facts(vm_request: VmRequest, spec: TemplateSpec | None) -> tuple[Fact, ...]:
    """What was filled in for the template itself. Secrets are not among them: they are sealed apart."""
    known = spec.parameters if spec else ()
    language = current_language()
    return tuple(
        Fact(parameter.label.read(language), parameter_words(parameter, vm_request.parameters[parameter.name]))
        for parameter in known
        if parameter.name in vm_request.parameters
    )


def parameter_words(parameter: Parameter, value: object) -> str:
    if parameter.kind is ParameterKind.YES_NO:
        return str(_("Yes") if value else _("No"))
    chosen = [choice for choice in parameter.choices if choice.value == value]
    return chosen[0].label.read(current_language()) if chosen else str(value)


def copies_of(vm_request: VmRequest, seen: tuple[CopyView, ...]) -> tuple[Copy, ...]:
    return tuple(
        Copy(
            copy.name,
            copy.state,
            translated(copy.message, copy.message_params),
            vm_id_for(vm_request.id, position) if copy.state in STATES_WITH_PAGE else None,
        )
        for position, copy in enumerate(seen)
    )


def approvers_of(vm_request: VmRequest) -> tuple[str, ...]:
    if vm_request.state != WAITING:
        return ()
    found = accounts.approvers_of(db(), vm_request.department_id, but=vm_request.submitted_by_id, most=3)
    return tuple(person.name for person in found)


def newest_lines(workflow_id: str) -> tuple[JobLine, ...]:
    newest: deque[JobLine] = deque(maxlen=LOG_LINES)
    for _round in range(LOG_ROUNDS):
        more = workflows.lines(db(), workflow_id, newest[-1].id if newest else 0)
        newest.extend(more)
        if len(more) < workflows.LINES_AT_ONCE:
            break
    return tuple(newest)


def may_cancel(vm_request: VmRequest, progress: Progress | None) -> bool:
    if vm_request.state != WAITING and vm_request.state not in UNDER_WAY:
        return False
    asked_already = progress is not None and progress.state == WorkflowState.CANCELLING
    return not asked_already and may_change(vm_request)


def may_change(vm_request: VmRequest, *, deciders: bool = False) -> bool:
    try:
        vm_requests.changeable(db(), actor(), vm_request.id, deciders=deciders)
    except PortalError:
        return False
    return True
