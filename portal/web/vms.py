"""Machines: the list, the page of one, its power and its picture."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from portal.core.errors import N_, NotFound
from portal.core.lease import retire_at
from portal.core.lifecycle import VmState
from portal.core.policy import Permission
from portal.models import Vm
from portal.services import accounts, quotas, vms, workflows
from portal.services.vms import PowerAction
from portal.services.workflows import Progress
from portal.web.context import actor, background, db, now, permission, site
from portal.web.csv_files import csv_answer, cut_row
from portal.web.formats import state_word, when
from portal.web.forms.vms import ColleagueForm
from portal.web.templates_words import template_name

bp = Blueprint("vms", __name__, url_prefix="/vms")
MOST_IN_CSV = 1000
QUICK_S, SLOW_S = 1, 5  # how often a page asks: while something is under way, and else
LIVING = frozenset({VmState.CLONING, VmState.RUNNING, VmState.STOPPED, VmState.PARKED, VmState.ERROR})


@dataclass(frozen=True)
class Question:
    """How a power button asks back before it acts."""

    title: object
    text: object
    words: object
    danger: bool = False


QUESTIONS = {
    PowerAction.SHUT_DOWN: Question(
        lazy_gettext("Shut down “%(name)s”?"),
        lazy_gettext(
            "The machine is asked to end its programs and switch itself off. People who work on it are cut off."
        ),
        lazy_gettext("Shut down"),
    ),
    PowerAction.POWER_OFF: Question(
        lazy_gettext("Switch “%(name)s” off hard?"),
        lazy_gettext("As if the plug were pulled: what was not saved is lost. Try to shut it down first."),
        lazy_gettext("Switch off hard"),
        danger=True,
    ),
    PowerAction.REBOOT: Question(
        lazy_gettext("Restart “%(name)s”?"),
        lazy_gettext("The machine goes off and comes back. People who work on it are cut off for a while."),
        lazy_gettext("Restart"),
    ),
}
DONE = {
    PowerAction.START: lazy_gettext("“%(name)s” is running."),
    PowerAction.SHUT_DOWN: lazy_gettext("“%(name)s” was asked to shut down. That can take a minute."),
    PowerAction.POWER_OFF: lazy_gettext("“%(name)s” is off."),
    PowerAction.REBOOT: lazy_gettext("“%(name)s” restarts."),
}


@dataclass(frozen=True)
class Filters:
    text: str
    state: VmState | None
    department: str
    mine: bool


def filters() -> Filters:
    state = request.args.get("state", "")
    return Filters(
        text=request.args.get("text", "").strip()[:80],
        state=VmState(state) if state in set(VmState) else None,
        department=request.args.get("department", "")[:60],
        mine=request.args.get("mine") == "yes",
    )


@bp.get("")
@permission(Permission.SEE_MACHINES)
def index() -> ResponseReturnValue:
    wanted = filters()
    found = vms.search(
        db(),
        actor=actor(),
        text=wanted.text,
        state=wanted.state,
        department=wanted.department or None,
        mine=wanted.mine,
        page=request.args.get("page", 1, type=int),
    )
    departments = quotas.departments(db(), actor=actor(), permission=Permission.SEE_DEPARTMENT)
    page = "vms/_list.html" if "HX-Request" in request.headers else "vms/index.html"
    return render_template(page, found=found, wanted=wanted, states=list(VmState), departments=departments)


@bp.get("/table.csv")
@permission(Permission.SEE_MACHINES)
def table() -> Response:
    wanted = filters()
    found = vms.search(
        db(),
        actor=actor(),
        text=wanted.text,
        state=wanted.state,
        department=wanted.department or None,
        mine=wanted.mine,
        per_page=MOST_IN_CSV,
    )
    titles = (_("Name"), _("State"), _("Host"), _("Address"), _("Owner"), _("Department"), _("Template"), _("Until"))
    rows: list[tuple[object, ...]] = [
        (
            vm.name,
            state_word(vm.state),
            vm.host.name if vm.host else "",
            vm.address or "",
            vm.owner.name,
            vm.department.name,
            template_name(vm.template_version),
            when(vm.expires_at),
        )
        for vm in found.items
    ]
    return csv_answer("machines", titles, [*rows, cut_row(MOST_IN_CSV)] if found.pages > 1 else rows)


@dataclass(frozen=True)
class Moment:
    """What the page of a machine shows of this moment. When `shape` changes, more than the state must be shown anew."""

    vm: Vm
    work: Progress | None
    uses: bool
    is_changing: bool

    @property
    def stands_still(self) -> bool:
        return self.vm.state == VmState.RUNNING and self.vm.state_reason == vms.STANDS_STILL

    @property
    def host_is_silent(self) -> bool:
        made = self.vm.state not in (VmState.CLONING, VmState.RETIRED)
        return made and self.vm.host is not None and bool(self.vm.host.trouble)

    @property
    def shape(self) -> str:
        return f"{self.vm.state}{'-work' if self.work else ''}{'-silent' if self.host_is_silent else ''}"

    @property
    def again_s(self) -> int:
        return QUICK_S if self.work or self.is_changing else SLOW_S


def moment_of(vm: Vm) -> Moment:
    return Moment(
        vm,
        work=workflows.work_on(db(), vm.id, now()),
        uses=vms.may_use(db(), actor=actor(), vm=vm),
        is_changing=vms.is_changing(vm, now()),
    )


def seen_now(vm_id: UUID) -> Vm:
    """The machine; as its host sees it now if somebody waits for it to change. Looking changes nothing by itself."""
    vm = vms.get(db(), actor=actor(), vm_id=vm_id)
    if not vms.is_changing(vm, now()) or (vm.host and vm.host.trouble):
        return vm
    person = actor()
    db().rollback()  # what was read is old when the host has answered
    with site().write_sessions() as writing:
        vms.look(writing, actor=person, vm_id=vm_id, hypervisor=site().hypervisor, now=now())
        writing.commit()
    return vms.get(db(), actor=person, vm_id=vm_id)


@bp.get("/<uuid:vm_id>")
@permission(Permission.SEE_MACHINES)
def show(vm_id: UUID) -> ResponseReturnValue:
    vm = seen_now(vm_id)
    moment = moment_of(vm)
    manages = vms.may_manage(actor=actor(), vm=vm)
    users = vms.users(db(), actor=actor(), vm_id=vm_id)
    colleagues = accounts.colleagues(db(), actor=actor(), department_id=vm.department_id) if manages else []
    known = {user.account_id for user in users} | {vm.owner_id}
    return render_template(
        "vms/show.html",
        vm=vm,
        moment=moment,
        template=template_name(vm.template_version),
        users=users,
        manages=manages,
        share_form=ColleagueForm().offer([one for one in colleagues if one.id not in known]),
        history=vms.history(db(), actor=actor(), vm_id=vm_id)[:30],
        living=vm.state in LIVING and moment.work is None,
        disk_until=retire_at(vm.expires_at),
    )


@bp.get("/<uuid:vm_id>/state")
@permission(Permission.SEE_MACHINES)
@background
def state(vm_id: UUID) -> ResponseReturnValue:
    """The part of the machine's page that changes by itself; when more of the page has changed, all is loaded anew."""
    moment = moment_of(seen_now(vm_id))
    changed = request.args.get("shape", moment.shape) != moment.shape
    return render_template("vms/_state.html", moment=moment), {"HX-Refresh": "true"} if changed else {}


@bp.get("/<uuid:vm_id>/power/<action>")
@permission(Permission.USE_MACHINE)
def ask_power(vm_id: UUID, action: str) -> ResponseReturnValue:
    question = QUESTIONS.get(power_action(action))
    vm = vms.usable(db(), actor=actor(), vm_id=vm_id)
    back = url_for("vms.show", vm_id=vm_id)
    if question is None:
        return redirect(back)
    return render_template(
        "components/confirm.html",
        title=str(question.title) % {"name": vm.name},
        text=question.text,
        words=question.words,
        danger=question.danger,
        action=url_for("vms.power", vm_id=vm_id),
        fields={"action": action},
        back=back,
    )


@bp.post("/<uuid:vm_id>/power")
@permission(Permission.USE_MACHINE)
def power(vm_id: UUID) -> ResponseReturnValue:
    action = power_action(request.form.get("action", ""))
    vm = vms.power(db(), actor=actor(), vm_id=vm_id, action=action, hypervisor=site().hypervisor, now=now())
    db().commit()
    flash(str(DONE[action]) % {"name": vm.name}, "success")
    return redirect(url_for("vms.show", vm_id=vm_id), 303)


def power_action(text: str) -> PowerAction:
    if text not in set(PowerAction):
        raise NotFound(N_("There is no such button."))
    return PowerAction(text)


@bp.get("/<uuid:vm_id>/screenshot")
@permission(Permission.USE_MACHINE)
@background
def screenshot(vm_id: UUID) -> Response:
    picture = vms.screenshot(db(), actor=actor(), vm_id=vm_id, hypervisor=site().hypervisor)
    return Response(picture.png, mimetype="image/png")
