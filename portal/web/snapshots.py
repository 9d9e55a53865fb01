"""Snapshots of a machine: on a page of their own, because a host must answer for it."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import Conflict, Invalid
from portal.core.policy import Permission
from portal.models import Vm
from portal.services import vms
from portal.web.context import actor, db, now, permission, site
from portal.web.forms.vms import SnapshotForm
from portal.web.languages import in_words

bp = Blueprint("snapshots", __name__, url_prefix="/vms/<uuid:vm_id>/snapshots")


@bp.get("")
@permission(Permission.USE_MACHINE)
def index(vm_id: UUID) -> ResponseReturnValue:
    return page(vms.usable(db(), actor=actor(), vm_id=vm_id), SnapshotForm())


def page(vm: Vm, form: SnapshotForm) -> str:
    taken = vms.snapshots(db(), actor=actor(), vm_id=vm.id, hypervisor=site().hypervisor)
    return render_template("vms/snapshots.html", vm=vm, form=form, snapshots=taken[::-1])


@bp.post("")
@permission(Permission.USE_MACHINE)
def take(vm_id: UUID) -> ResponseReturnValue:
    vm, form = vms.usable(db(), actor=actor(), vm_id=vm_id), SnapshotForm()
    if not form.validate_on_submit():
        return page(vm, form), 422
    try:
        vms.take_snapshot(
            db(),
            actor=actor(),
            vm_id=vm_id,
            name=form.name.data or "",
            description=form.description.data or "",
            hypervisor=site().hypervisor,
            now=now(),
        )
    except (Conflict, Invalid) as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return page(vms.usable(db(), actor=actor(), vm_id=vm_id), form), 422
    db().commit()
    flash(_("The snapshot “%(name)s” is taken.", name=form.name.data), "success")
    return redirect(url_for("snapshots.index", vm_id=vm_id), 303)


@bp.get("/revert")
@permission(Permission.USE_MACHINE)
def ask_revert(vm_id: UUID) -> ResponseReturnValue:
    vm, name = vms.usable(db(), actor=actor(), vm_id=vm_id), chosen(request.args.get("name"))
    return render_template(
        "components/confirm.html",
        title=_("Go back to “%(name)s”?", name=name),
        text=_("“%(vm)s” becomes what it was at that moment. What was done since then is lost.", vm=vm.name),
        words=_("Go back to this snapshot"),
        danger=True,
        fields={"name": name},
        action=url_for("snapshots.revert", vm_id=vm_id),
        back=url_for("snapshots.index", vm_id=vm_id),
    )


@bp.post("/revert")
@permission(Permission.USE_MACHINE)
def revert(vm_id: UUID) -> ResponseReturnValue:
    name = chosen(request.form.get("name"))
    vms.revert_snapshot(db(), actor=actor(), vm_id=vm_id, name=name, hypervisor=site().hypervisor, now=now())
    db().commit()
    flash(_("The machine is again what it was at “%(name)s”.", name=name), "success")
    return redirect(url_for("vms.show", vm_id=vm_id), 303)


@bp.get("/delete")
@permission(Permission.USE_MACHINE)
def ask_delete(vm_id: UUID) -> ResponseReturnValue:
    vms.usable(db(), actor=actor(), vm_id=vm_id)
    name = chosen(request.args.get("name"))
    return render_template(
        "components/confirm.html",
        title=_("Delete the snapshot “%(name)s”?", name=name),
        text=_("The machine stays as it is. You can no longer go back to this moment."),
        words=_("Delete the snapshot"),
        danger=True,
        fields={"name": name},
        action=url_for("snapshots.delete", vm_id=vm_id),
        back=url_for("snapshots.index", vm_id=vm_id),
    )


@bp.post("/delete")
@permission(Permission.USE_MACHINE)
def delete(vm_id: UUID) -> ResponseReturnValue:
    name = chosen(request.form.get("name"))
    vms.delete_snapshot(db(), actor=actor(), vm_id=vm_id, name=name, hypervisor=site().hypervisor, now=now())
    db().commit()
    flash(_("The snapshot “%(name)s” is deleted.", name=name), "success")
    return redirect(url_for("snapshots.index", vm_id=vm_id), 303)


def chosen(name: str | None) -> str:
    return (name or "").strip()[:80]
