"""Our way: from the approval in the database to all machines running, with the real worker and real Ansible."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.bench.ground import TEMPLATE, Ground, wait_for
from portal.core.errors import N_, OutsideUnavailable, filled
from portal.core.lifecycle import StepState, VmRequestState, WorkflowState
from portal.core.policy import Actor
from portal.interfaces import Power
from portal.models import Account, Job, JobLine, Vm, VmRequest, Workflow
from portal.models.vms import is_living
from portal.services import accounts, approvals, orders, vm_requests, vms, workflows
from portal.site import Site

REQUESTER, APPROVER = "solicitante", "responsable"
CLONE_STEP = 2
PATIENCE_S = 900
PHASES = ("approve", "queue", "claim", "place", "ansible starts", "module", "ansible ends")


@dataclass(frozen=True)
class OurRun:
    """`phases` are seconds by name; those up to `module` add up to `seconds`, but for moments in between."""

    seconds: float
    phases: dict[str, float]


def run_ours(ground: Ground, count: int, label: str) -> OurRun:
    vm_request_id = order(ground.site, count, f"bench-{label}")
    begun, clock = ground.site.clock(), time.monotonic()
    approve(ground.site, vm_request_id)
    approved_s = time.monotonic() - clock
    wait_for(lambda: is_cloned(ground, vm_request_id), seconds=PATIENCE_S, what="cloning", every_s=0.2)
    check_running(ground, vm_request_id)
    with ground.site.sessions() as db:
        return measured(db, vm_request_id, begun, approved_s)


def actor(db: Session, login: str) -> Actor:
    return accounts.actor_of(db.scalars(select(Account).where(Account.login == login)).one())


def order(site: Site, count: int, name: str) -> UUID:
    with site.write_sessions.begin() as db:
        spec = orders.spec_of(db, TEMPLATE)
        if spec is None:
            raise OutsideUnavailable(N_("The template %(template)s is not in the catalogue."), template=TEMPLATE)
        wanted = orders.Order(
            template=TEMPLATE,
            size=spec.sizes[0].slug,
            name=name,
            copies=count,
            purpose="vivero bench clones",
            ends_on=(site.clock() + timedelta(days=2)).date(),
        )
        key = site.settings.secret_key
        now = site.clock()
        return vm_requests.submit(db, actor=actor(db, REQUESTER), order=wanted, now=now, secret_key=key).id


def approve(site: Site, vm_request_id: UUID) -> None:
    with site.write_sessions.begin() as db:
        approvals.approve(
            db, actor=actor(db, APPROVER), vm_request_id=vm_request_id, queue=site.queue, now=site.clock()
        )


def is_cloned(ground: Ground, vm_request_id: UUID) -> bool:
    with ground.site.sessions() as db:
        workflow = workflows.latest_of(db, vm_request_id)
        if workflow is None:
            return False
        if workflow.state == WorkflowState.FAILED:
            reason = filled(workflow.error or "", workflow.error_params)
            raise OutsideUnavailable(N_("The request failed: %(reason)s"), reason=reason)
        steps = workflows.steps_of(db, workflow.id)
        return len(steps) > CLONE_STEP and steps[CLONE_STEP].state == StepState.DONE


def check_running(ground: Ground, vm_request_id: UUID) -> None:
    """What the portal says is true on the hosts."""
    with ground.site.sessions() as db:
        ids = set(db.scalars(select(Vm.id).where(Vm.vm_request_id == vm_request_id)))
    seen = (one for host in ground.inventory.hosts for one in ground.site.hypervisor.machines(host))
    running = {one.vm_id for one in seen if one.power == Power.RUNNING}
    if not ids or not ids <= running:
        raise OutsideUnavailable(
            N_("Only %(running)s of %(count)s machines of the bench run."),
            running=len(ids & running),
            count=len(ids),
        )


def measured(db: Session, vm_request_id: UUID, begun: datetime, approved_s: float) -> OurRun:
    """The machines run when the last host has answered: that moment stands on the last line of the playbook."""
    workflow = db.scalars(select(Workflow).where(Workflow.subject_id == vm_request_id)).one()
    claim, place, clone = workflows.steps_of(db, workflow.id)[: CLONE_STEP + 1]
    job = db.scalars(select(Job).where(Job.workflow_id == workflow.id).order_by(Job.started_at)).first()
    if job is None:
        raise OutsideUnavailable(N_("The playbook has left no trace."))
    lines = db.scalars(select(JobLine).where(JobLine.job_id == job.id)).all()
    task = min(line.at for line in lines)
    running = max(line.at for line in lines if line.host)
    spans = {
        "claim": (claim.started_at, claim.ended_at),
        "place": (place.started_at, place.ended_at),
        "ansible starts": (clone.started_at, task),
        "module": (task, running),
        "ansible ends": (running, job.ended_at),
    }
    phases = {"approve": approved_s, "queue": between(begun, claim.started_at) - approved_s}
    phases |= {name: between(*span) for name, span in spans.items()}
    return OurRun(between(begun, running), phases)


def between(begun: datetime | None, ended: datetime | None) -> float:
    return (ended - begun).total_seconds() if begun and ended else 0.0


def take_away(site: Site) -> None:
    """Cancel what is under way, so that its workflow cleans up; give back what was handed over meanwhile."""
    cancel_open(site)
    wait_for(lambda: not open_requests(site), seconds=PATIENCE_S, what="cancelling", every_s=0.3)
    retire_living(site)
    wait_for(lambda: not living(site), seconds=PATIENCE_S, what="cleaning up", every_s=0.3)


def open_requests(site: Site) -> list[UUID]:
    over = (VmRequestState.CANCELLED, VmRequestState.FULFILLED)
    with site.sessions() as db:
        return list(db.scalars(select(VmRequest.id).where(VmRequest.state.not_in(over))))


def cancel_open(site: Site) -> None:
    for vm_request_id in open_requests(site):
        with site.write_sessions.begin() as db:
            by = actor(db, REQUESTER)
            vm_requests.cancel(db, actor=by, vm_request_id=vm_request_id, now=site.clock(), queue=site.queue)


def living(site: Site) -> list[UUID]:
    with site.sessions() as db:
        return list(db.scalars(select(Vm.id).where(is_living())))


def retire_living(site: Site) -> None:
    for vm_id in living(site):
        with site.write_sessions.begin() as db:
            vms.retire(db, actor=actor(db, REQUESTER), vm_id=vm_id, queue=site.queue, now=site.clock())
