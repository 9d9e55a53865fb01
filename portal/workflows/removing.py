"""Removes all that machines have on their hosts; for a host that is lost another one does it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, PlaybookFailed
from portal.core.lifecycle import HostState
from portal.models import Host, Vm
from portal.services.hosts import all_hosts
from portal.workflows.clone_orders import retire_run
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.sequence import Context, living_vms_of


def remove_machines(ctx: Context) -> None:
    """What is gone already is fine."""
    with ctx.site.sessions() as db:
        vms = [vm for vm in living_vms_of(db, ctx.subject_id) if vm.host is not None]
        if not vms:
            return
        run = retire_run(vms, removers_of(db, vms), ctx)
        names = {vm.id: vm.name for vm in vms}
    check_result(run_playbook(ctx, run), names)


def removers_of(db: Session, vms: list[Vm]) -> Mapping[UUID, Host]:
    """Vm id → the host that removes it: its own, or any other if that is lost. Files lie in the shared cabinet.

    What a lost host still knows of the machine is found by `reconcile` should it ever come back.
    """
    removers = {vm.id: vm.host for vm in vms if vm.host is not None and vm.host.state != HostState.LOST}
    orphans = [vm for vm in vms if vm.id not in removers]
    if orphans:
        stand_in = stand_in_of(db)
        removers.update({vm.id: stand_in for vm in orphans})
    return removers


def stand_in_of(db: Session) -> Host:
    """A host in use before one that is being emptied or repaired."""
    answering = [host for host in all_hosts(db) if host.state != HostState.LOST and not host.trouble]
    for host in sorted(answering, key=lambda host: (host.state != HostState.ACTIVE, host.name)):
        return host
    raise PlaybookFailed(N_("No host answers that could remove what a lost host has left. When one does, try again."))
