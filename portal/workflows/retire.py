"""Takes a machine away for good: domain, disk, seed, snapshots, DHCP reservation, claim. There is no undo."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.core.lifecycle import VmState
from portal.models import Vm, Workflow
from portal.services import audit, claims
from portal.services.notices import tell_not_retired, tell_retired
from portal.workflows.clone_orders import retire_run
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.readiness import mark_error
from portal.workflows.sequence import Context, Sequence, Step, living_vms_of


def remove(ctx: Context) -> None:
    """All that the machine has on its host. What is gone already is fine."""
    with ctx.site.sessions() as db:
        vms = [vm for vm in living_vms_of(db, ctx.subject_id) if vm.host is not None]
        run = retire_run(vms, ctx)
    if not vms:
        return
    result = run_playbook(ctx, run)
    check_result(result, {vm.id: vm.name for vm in vms})


def release(ctx: Context) -> None:
    """Its claim, name and address are free again, and the owner is told."""
    with ctx.write() as db:
        vm = db.get_one(Vm, ctx.subject_id)
        claims.release(db, [vm.id])
        if vm.state == VmState.RETIRED:
            return
        now = ctx.site.clock()
        vm.move_to(VmState.RETIRED)
        vm.retired_at = now
        audit.record(db, actor=None, action="vm.retired", subject=audit.subject_of(vm), now=now)
        tell_retired(db, vm=vm, now=now, base_url=ctx.site.settings.base_url)


def copies(db: Session, subject_id: UUID) -> int:
    return 1


def begun(db: Session, workflow: Workflow, ctx: Context) -> None:
    """The machine shows nothing new until it is gone: the page shows the work itself."""


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    """Its page, who asked and the administrators are told, once for each reason: it is tried again by the clock."""
    vm = db.get_one(Vm, workflow.subject_id)
    error, params = workflow.error or "", workflow.error_params
    if vm.state == VmState.RETIRED or (vm.state, vm.state_reason, vm.state_reason_params) == (
        VmState.ERROR,
        error,
        params,
    ):
        return
    mark_error(vm, error, params)
    now, base_url = ctx.site.clock(), ctx.site.settings.base_url
    audit.record(db, actor=None, action="vm.retire_failed", subject=audit.subject_of(vm), now=now)
    tell_not_retired(db, vm=vm, now=now, base_url=base_url)


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """Nothing to give back: what is removed stays removed, and the machine can be retired again."""


RETIRE = Sequence(
    name="retire",
    steps=(Step(N_("Remove the machine"), remove), Step(N_("Free its place"), release)),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
