"""Carries an approved request to running machines: claim, place, clone, wait until they serve, tell the owner."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, PlaybookFailed, filled
from portal.core.lifecycle import VmRequestState, VmState
from portal.interfaces import MachineOutcome
from portal.models import TemplateVersion, VmRequest, Workflow
from portal.services import audit, claims, own_machines
from portal.services.notices import tell_failed, tell_ready
from portal.services.orders import decided_spec, newest_version
from portal.workflows.clone_orders import clone_run
from portal.workflows.placing import place, unplace
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.readiness import mark_error, wait_until_ready
from portal.workflows.removing import remove_machines
from portal.workflows.sequence import Context, Sequence, Step, living_vms_of, vms_of

# fulfilled: the hand-over is done, and its worker ended before it could write that down
WANTED = (VmRequestState.APPROVED, VmRequestState.PROVISIONING, VmRequestState.FAILED, VmRequestState.FULFILLED)


def claim(ctx: Context) -> None:
    """Hold the capacity (again) and settle on the template's disk."""
    with ctx.write() as db:
        vm_request = db.get_one(VmRequest, ctx.subject_id)
        claims.hold(db, vm_request, ctx.site.clock())
        version = db.get(TemplateVersion, vm_request.template_version_id) if vm_request.template_version_id else None
        # a disk that is lost after the approval is replaced by the newest, unless machines stand on it already
        if version is None or (version.missing and not vms_of(db, vm_request.id)):
            vm_request.template_version_id = orderable_version(db, vm_request).id


def unclaim(ctx: Context) -> None:
    with ctx.write() as db:
        claims.release_request(db, db.get_one(VmRequest, ctx.subject_id))


def orderable_version(db: Session, vm_request: VmRequest) -> TemplateVersion:
    version = newest_version(db, vm_request.template_slug)
    if version is None:
        raise Conflict(
            N_("The template “%(template)s” has no disk. An administrator builds it; then try again."),
            template=vm_request.template_slug,
        )
    return version


def clone(ctx: Context) -> None:
    """Disks, seeds, definitions and start, all copies of a host in one go; what is there already is left alone.

    Copies that serve already are in people's hands and are not touched again.
    """
    with ctx.write() as db:
        for vm in vms_of(db, ctx.subject_id):
            if vm.state == VmState.ERROR:
                vm.move_to(VmState.CLONING)
    with ctx.site.sessions() as db:
        vms = [vm for vm in vms_of(db, ctx.subject_id) if vm.state == VmState.CLONING]
        copied = own_machines.source_of(db, ctx.subject_id) is not None
        run = clone_run(ctx, db.get_one(VmRequest, ctx.subject_id), vms, copied=copied)
        names = {vm.id: vm.name for vm in vms}
    if not names:
        return
    result = run_playbook(ctx, run, names.values())
    note_outcomes(ctx, result.machines)
    check_result(result, names)


def note_outcomes(ctx: Context, outcomes: Mapping[UUID, MachineOutcome]) -> None:
    with ctx.write() as db:
        for vm in vms_of(db, ctx.subject_id):
            outcome = outcomes.get(vm.id)
            if outcome is not None and not outcome.ok:
                mark_error(vm, N_("Its host said: %(reason)s"), {"reason": outcome.message[:500]})
        ctx.report(db, sum(outcome.ok for outcome in outcomes.values()))


def unclone(ctx: Context) -> None:
    """Remove all that the machines may have on their hosts. Nothing there is fine.

    From now on none counts as one that serves: should this not succeed and be tried again, all are made anew.
    """
    with ctx.write() as db:
        for vm in living_vms_of(db, ctx.subject_id):
            if vm.state not in (VmState.CLONING, VmState.ERROR):
                vm.move_to(VmState.ERROR, reason=N_("It is being taken away."))
    remove_machines(ctx)


def wait_ready(ctx: Context) -> None:
    with ctx.site.sessions() as db:
        vms = living_vms_of(db, ctx.subject_id)
        if not vms:
            raise PlaybookFailed(N_("No machine of this request is left. Roll this back and order again."))
        ready = decided_spec(db.get_one(VmRequest, ctx.subject_id), vms[0].template_version).ready
    wait_until_ready(ctx, ready)


def notify(ctx: Context) -> None:
    """Write the mail once, however often the step runs: the mark stands in the same transaction."""
    with ctx.write() as db:
        if ctx.mark_once(db, N_("The mail is written.")):
            vm_request = db.get_one(VmRequest, ctx.subject_id)
            vms = living_vms_of(db, ctx.subject_id)
            now, base_url = ctx.site.clock(), ctx.site.settings.base_url
            tell_ready(db, vm_request=vm_request, vms=vms, now=now, base_url=base_url)


def finish(ctx: Context) -> None:
    """The request is fulfilled, secrets are forgotten, and the log says so. From then on nobody cancels."""
    with ctx.write() as db:
        ctx.check_under_lock(db)
        vm_request = db.get_one(VmRequest, ctx.subject_id)
        if vm_request.state == VmRequestState.FULFILLED:
            return
        vm_request.move_to(VmRequestState.FULFILLED)
        vm_request.fulfilled_at = ctx.site.clock()
        vm_request.sealed_parameters = None
        record(db, vm_request, "vm_request.fulfilled", ctx)
        for vm in living_vms_of(db, ctx.subject_id):
            audit.record(db, actor=None, action="vm.made", subject=audit.subject_of(vm), now=ctx.site.clock())


def record(db: Session, vm_request: VmRequest, action: str, ctx: Context, reason: str = "") -> None:
    subject = audit.subject_of(vm_request)
    audit.record(db, actor=None, action=action, subject=subject, now=ctx.site.clock(), reason=reason)


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    vm_request = db.get_one(VmRequest, workflow.subject_id)
    if vm_request.state not in WANTED:
        return False
    vm_request.workflow_id = workflow.id
    vm_request.error, vm_request.error_params = None, {}
    if vm_request.state in (VmRequestState.APPROVED, VmRequestState.FAILED):
        vm_request.move_to(VmRequestState.PROVISIONING)
    return True


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    vm_request = db.get_one(VmRequest, workflow.subject_id)
    vm_request.workflow_id = workflow.id
    if vm_request.state.is_final:
        return
    vm_request.error, vm_request.error_params = workflow.error, dict(workflow.error_params)
    if vm_request.state != VmRequestState.FAILED:
        vm_request.move_to(VmRequestState.FAILED)
        record(db, vm_request, "vm_request.failed", ctx, reason=filled(workflow.error or "", workflow.error_params))
        tell_failed(db, vm_request=vm_request, now=ctx.site.clock(), base_url=ctx.site.settings.base_url)


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """Everything is undone: the request is over and holds nothing any more."""
    vm_request = db.get_one(VmRequest, workflow.subject_id)
    vm_request.workflow_id = workflow.id
    claims.release_request(db, vm_request)
    vm_request.sealed_parameters = None
    if not vm_request.state.is_final:
        vm_request.move_to(VmRequestState.CANCELLED)
        record(db, vm_request, "vm_request.rolled_back", ctx)


def copies(db: Session, subject_id: UUID) -> int:
    return db.get_one(VmRequest, subject_id).copies


PROVISION = Sequence(
    name="provision",
    steps=(
        Step(N_("Claim capacity"), claim, unclaim),
        Step(N_("Choose hosts"), place, unplace),
        Step(N_("Clone, personalise and start"), clone, unclone, per_copy=True, again=1),
        Step(N_("Wait until ready"), wait_ready, per_copy=True, again=2),
        Step(N_("Tell the owner"), notify),
        Step(N_("Finish"), finish),
    ),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
