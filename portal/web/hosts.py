"""The hosts of the cluster: what they carry, what is promised, whether they answer."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import N_, Invalid
from portal.core.lifecycle import HostState
from portal.core.policy import Permission
from portal.models import Host
from portal.services import capacity, hosts
from portal.web.context import actor, db, now, permission, site
from portal.web.formats import state_word
from portal.web.languages import in_words

bp = Blueprint("hosts", __name__, url_prefix="/hosts")


@bp.get("")
@permission(Permission.SEE_HOSTS)
def index() -> ResponseReturnValue:
    hosts.listing(db(), actor=actor())
    cluster = capacity.cluster(db(), reserve_hosts=site().settings.reserve_hosts, now=now())
    return render_template("hosts/index.html", cluster=cluster, badge_of=badge_of, trouble_words=trouble_words)


@bp.get("/<uuid:host_id>")
@permission(Permission.SEE_HOSTS)
def show(host_id: UUID) -> ResponseReturnValue:
    host = hosts.by_id(db(), host_id)
    cluster = capacity.cluster(db(), reserve_hosts=site().settings.reserve_hosts, now=now())
    load = next(one for one in cluster.hosts if one.host.id == host.id)
    return render_template(
        "hosts/show.html",
        host=host,
        load=load,
        vms=hosts.machines_on(db(), actor=actor(), host_id=host_id),
        badge=badge_of(host),
        trouble=trouble_words(host),
    )


def badge_of(host: Host) -> str:
    """Its state, or that it does not answer though it should: no green badge on a dead host."""
    return "silent" if hosts.is_silent(host) else str(host.state)


def trouble_words(host: Host) -> str:
    trouble = hosts.trouble_of(host)
    return in_words(trouble) if trouble else ""


@bp.get("/<uuid:host_id>/state/<state>")
@permission(Permission.MANAGE_HOSTS)
def ask_state(host_id: UUID, state: str) -> ResponseReturnValue:
    host, wanted = hosts.by_id(db(), host_id), host_state(state)
    texts = {
        HostState.ACTIVE: _("The host takes new machines again."),
        HostState.DRAINING: _("The host takes no new machines. Those that run on it stay for now."),
        HostState.MAINTENANCE: _("The host takes no new machines, and nobody minds when it does not answer."),
        HostState.LOST: _(
            "Only if you know that the host is off and stays off: its machines then count as switched off, and "
            "requests that failed there may be made on another host. If it still ran, two machines could write "
            "to one disk."
        ),
    }
    return render_template(
        "components/confirm.html",
        title=_("%(host)s: %(state)s?", host=host.name, state=state_word(wanted)),
        text=texts[wanted],
        words=_("Change the state"),
        danger=wanted == HostState.LOST,
        fields={"state": wanted},
        action=url_for("hosts.save_state", host_id=host_id),
        back=url_for("hosts.index"),
    )


@bp.post("/<uuid:host_id>/state")
@permission(Permission.MANAGE_HOSTS)
def save_state(host_id: UUID) -> ResponseReturnValue:
    state = host_state(request.form.get("state", ""))
    host = hosts.set_state(db(), actor=actor(), host_id=host_id, state=state, now=now())
    db().commit()
    flash(_("%(host)s is now: %(state)s.", host=host.name, state=state_word(state)), "success")
    return redirect(url_for("hosts.index"), 303)


@bp.post("/<uuid:host_id>/refresh")
@permission(Permission.MANAGE_HOSTS)
def refresh(host_id: UUID) -> ResponseReturnValue:
    host = hosts.refresh(db(), hypervisor=site().hypervisor, host=hosts.by_id(db(), host_id), now=now())
    db().commit()
    if host.trouble:
        flash(trouble_words(host), "error")
    else:
        flash(_("%(host)s answers.", host=host.name), "success")
    return redirect(url_for("hosts.show", host_id=host_id), 303)


def host_state(text: str) -> HostState:
    if text not in set(HostState):
        raise Invalid(N_("There is no such state."))
    return HostState(text)
