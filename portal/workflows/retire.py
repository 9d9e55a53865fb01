"""Takes a machine away for good: domain, disk, seed, snapshots, DHCP reservation, claim. There is no undo."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.core.lifecycle import VmState
from portal.models import Vm, Workflow
from portal.services import audit, claims
from portal.services.notices import tell_not_retired, tell_retired
from portal.workflows.readiness import mark_error
from portal.workflows.removing import remove_machines
from portal.workflows.sequence import Context, Sequence, Step


def remove(ctx: Context) -> None:
    """All that the machine has on its host. What is gone already is fine."""
    remove_machines(ctx)


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


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    """The machine shows nothing new until it is gone: the page shows the work itself."""
    return True


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
