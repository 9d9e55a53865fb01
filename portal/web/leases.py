"""How long a machine stays and whose it is: extend, hand over, share, park, retire, and the links in our mails."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import PortalError
from portal.core.lease import local_day, retire_at
from portal.core.lifecycle import VmState
from portal.core.policy import Permission
from portal.models import Vm, VmRequest
from portal.services import accounts, leases, vms
from portal.services.leases import LeaseAction
from portal.web.context import actor, any_account, db, now, permission, site
from portal.web.formats import day
from portal.web.forms.vms import ColleagueForm, ExtendForm
from portal.web.languages import in_words

bp = Blueprint("leases", __name__)
MORE = timedelta(days=90)  # what the form proposes


@bp.get("/leases/<text>")
@any_account
def follow_link(text: str) -> ResponseReturnValue:
    """A link of a mail leads to the page that asks; opening it changes nothing."""
    link = leases.read_lease_link(db(), site().settings.secret_key, text=text, now=now())
    pages = {
        LeaseAction.KEEP: "leases.extend",
        LeaseAction.PARK: "leases.ask_park",
        LeaseAction.HAND_OVER: "leases.hand_over",
    }
    return redirect(url_for(pages[link.action], vm_id=link.vm_id), 303)


def managed(vm_id: UUID) -> Vm:
    """The machine, if the person may decide about it: else the pages that ask are closed too."""
    return vms.manageable(db(), actor(), vm_id)


@bp.get("/vms/<uuid:vm_id>/extend")
@permission(Permission.USE_MACHINE)
def extend(vm_id: UUID) -> ResponseReturnValue:
    vm = managed(vm_id)
    return extend_page(vm, ExtendForm(ends_on=proposed_day(vm)))


def proposed_day(vm: Vm) -> date:
    """Some months more, but no later than nobody needs to decide, if that is a gain."""
    present_end = local_day(vm.expires_at, site().settings.timezone)
    more, at_once = max(present_end, local_day(now(), site().settings.timezone)) + MORE, last_day_at_once(vm)
    return min(more, at_once) if at_once > present_end else more


def last_day_at_once(vm: Vm) -> date:
    return vms.last_day_at_once(db(), vm, now=now(), timezone=site().settings.timezone)


def extend_page(vm: Vm, form: ExtendForm) -> str:
    at_once = last_day_at_once(vm)
    if at_once > local_day(vm.expires_at, site().settings.timezone):
        hint = _("Until %(day)s at once. For a later day an approver decides, who reads your reason.", day=day(at_once))
    else:
        hint = _("It stays as long as it ordinarily may. For a later day an approver decides, who reads your reason.")
    return render_template("vms/extend.html", vm=vm, form=form, hint=hint, back=url_for("vms.show", vm_id=vm.id))


@bp.post("/vms/<uuid:vm_id>/extend")
@permission(Permission.USE_MACHINE)
def save_extension(vm_id: UUID) -> ResponseReturnValue:
    vm, form = managed(vm_id), ExtendForm()
    if not form.validate_on_submit():
        return extend_page(vm, form), 422
    try:
        outcome = vms.extend(
            db(),
            actor=actor(),
            vm_id=vm_id,
            ends_on=form.chosen,
            reason=form.reason.data or "",
            now=now(),
            timezone=site().settings.timezone,
            base_url=site().settings.base_url,
        )
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return extend_page(vms.get(db(), actor=actor(), vm_id=vm_id), form), 422
    db().commit()
    if isinstance(outcome, VmRequest):
        flash(_("That is beyond the ordinary time, so an approver decides. You get a mail."), "info")
        return redirect(url_for("vm_requests.show", vm_request_id=outcome.id), 303)
    flash(_("“%(name)s” stays until %(day)s.", name=vm.name, day=day(outcome.ends_on)), "success")
    return redirect(url_for("vms.show", vm_id=vm_id), 303)


def colleague_form(vm: Vm) -> ColleagueForm:
    return ColleagueForm().offer(accounts.colleagues(db(), actor=actor(), department_id=vm.department_id))


@bp.get("/vms/<uuid:vm_id>/hand-over")
@permission(Permission.USE_MACHINE)
def hand_over(vm_id: UUID) -> ResponseReturnValue:
    """Ask to whom; with a person in the address ask once more, by name."""
    vm = managed(vm_id)
    form = colleague_form(vm)
    wanted = request.args.get("account_id")
    name = form.name_of(wanted or "")
    if wanted is None:
        return render_template("vms/hand_over.html", vm=vm, form=form)
    if name is None:
        form.add_problem("account_id", _("Please choose a person."))
        return render_template("vms/hand_over.html", vm=vm, form=form), 422
    return render_template(
        "components/confirm.html",
        title=_("Hand “%(machine)s” over to %(name)s?", machine=vm.name, name=name),
        text=_("%(name)s decides about the machine from then on, and is told by mail.", name=name),
        note=_("%(owner)s can use it then only if %(name)s shares it.", owner=vm.owner.name, name=name),
        words=_("Hand it over to %(name)s", name=name),
        action=url_for("leases.save_hand_over", vm_id=vm_id),
        fields={"account_id": wanted},
        back=url_for("vms.show", vm_id=vm_id),
    )


@bp.post("/vms/<uuid:vm_id>/hand-over")
@permission(Permission.USE_MACHINE)
def save_hand_over(vm_id: UUID) -> ResponseReturnValue:
    vm = managed(vm_id)
    form = colleague_form(vm)
    if not form.validate_on_submit():
        return render_template("vms/hand_over.html", vm=vm, form=form), 422
    vm = vms.hand_over(
        db(), actor=actor(), vm_id=vm_id, to_account_id=form.chosen, now=now(), base_url=site().settings.base_url
    )
    new_owner = accounts.by_id(db(), vm.owner_id).name
    db().commit()
    flash(_("“%(name)s” now belongs to %(owner)s.", name=vm.name, owner=new_owner), "success")
    return redirect(url_for("vms.index"), 303)


@bp.post("/vms/<uuid:vm_id>/users")
@permission(Permission.USE_MACHINE)
def add_user(vm_id: UUID) -> ResponseReturnValue:
    form = colleague_form(managed(vm_id))
    if form.validate_on_submit():
        vms.add_user(db(), actor=actor(), vm_id=vm_id, account_id=form.chosen, now=now())
        db().commit()
        flash(_("The machine is shared."), "success")
    else:
        flash(_("Please choose a person."), "error")
    return redirect(url_for("vms.show", vm_id=vm_id), 303)


@bp.post("/vms/<uuid:vm_id>/users/<uuid:account_id>/remove")
@permission(Permission.USE_MACHINE)
def remove_user(vm_id: UUID, account_id: UUID) -> ResponseReturnValue:
    vms.remove_user(db(), actor=actor(), vm_id=vm_id, account_id=account_id, now=now())
    db().commit()
    flash(_("The machine is no longer shared with that person."), "success")
    return redirect(url_for("vms.show", vm_id=vm_id), 303)


@bp.get("/vms/<uuid:vm_id>/park")
@permission(Permission.USE_MACHINE)
def ask_park(vm_id: UUID) -> ResponseReturnValue:
    vm = managed(vm_id)
    return render_template(
        "components/confirm.html",
        title=_("Park “%(name)s”?", name=vm.name),
        text=_("The machine is shut down and its disk is kept. Start it again whenever you need it."),
        note=_(
            "Its time still ends on %(end)s. It is given back, and its disk deleted, on %(last)s, unless extended.",
            end=day(vm.expires_at),
            last=day(retire_at(vm.expires_at)),
        ),
        words=_("Park the machine"),
        action=url_for("leases.park", vm_id=vm_id),
        back=url_for("vms.show", vm_id=vm_id),
    )


@bp.post("/vms/<uuid:vm_id>/park")
@permission(Permission.USE_MACHINE)
def park(vm_id: UUID) -> ResponseReturnValue:
    vm = vms.park(db(), actor=actor(), vm_id=vm_id, hypervisor=site().hypervisor, now=now())
    db().commit()
    if vm.state == VmState.PARKED:
        flash(_("“%(name)s” is parked.", name=vm.name), "success")
    else:
        flash(_("“%(name)s” is being shut down. It is parked as soon as it is off.", name=vm.name), "success")
    return redirect(url_for("vms.show", vm_id=vm_id), 303)


@bp.get("/vms/<uuid:vm_id>/retire")
@permission(Permission.USE_MACHINE)
def ask_retire(vm_id: UUID) -> ResponseReturnValue:
    vm = managed(vm_id)
    return render_template(
        "components/confirm.html",
        title=_("Give “%(name)s” back?", name=vm.name),
        text=_("The machine, its disk and its snapshots are deleted for good. Nobody can bring them back."),
        words=_("Delete the machine"),
        danger=True,
        action=url_for("leases.retire", vm_id=vm_id),
        back=url_for("vms.show", vm_id=vm_id),
    )


@bp.post("/vms/<uuid:vm_id>/retire")
@permission(Permission.USE_MACHINE)
def retire(vm_id: UUID) -> ResponseReturnValue:
    vm = vms.retire(db(), actor=actor(), vm_id=vm_id, queue=site().queue, now=now(), base_url=site().settings.base_url)
    db().commit()
    flash(_("“%(name)s” is being given back.", name=vm.name), "success")
    return redirect(url_for("vms.show", vm_id=vm_id), 303)
