"""Runs a playbook as part of a step: its lines are kept for people, its failures become sentences."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.core.errors import N_, Cancelled, OutsideUnavailable, PlaybookFailed
from portal.core.lifecycle import JobState
from portal.interfaces import BUSY, DOES_NOT_ANSWER, PlaybookLine, PlaybookResult, PlaybookRun, PlaybookStatus
from portal.models import Job, JobLine
from portal.services.workflows import bump
from portal.workflows.sequence import Context, Stopping

MOST_LINES = 5000  # kept of one job
LONGEST_LINE = 500
FLUSH_EVERY_S = 0.5
FLUSH_AT = 100
JOB_STATES = {
    PlaybookStatus.SUCCEEDED: JobState.SUCCEEDED,
    PlaybookStatus.CANCELLED: JobState.CANCELLED,
}


@dataclass
class LineKeeper:
    """Writes lines in small batches, so that a chatty playbook does not become a chatty database."""

    ctx: Context
    job_id: UUID
    names: frozenset[str] = frozenset()  # of the machines it is about: a line that begins with one tells of it
    heard: set[str] = field(default_factory=set)
    kept: int = 0
    waiting: list[PlaybookLine] = field(default_factory=list)
    flushed_at: float = field(default_factory=time.monotonic)

    def add(self, line: PlaybookLine) -> None:
        machine = line.text.partition(" ")[0]
        if machine in self.names and not line.failed:
            self.heard.add(machine)
        if self.kept + len(self.waiting) < MOST_LINES:
            self.waiting.append(line)
        if len(self.waiting) >= FLUSH_AT or time.monotonic() - self.flushed_at >= FLUSH_EVERY_S:
            self.flush()

    def flush(self) -> None:
        self.flushed_at = time.monotonic()
        if not self.waiting:
            return
        with self.ctx.write() as db:
            db.add_all(self.row_of(line) for line in self.waiting)
            if self.heard:
                self.ctx.report(db, len(self.heard))
            else:
                bump(db, self.ctx.workflow_id)
        self.kept += len(self.waiting)
        self.waiting.clear()

    def row_of(self, line: PlaybookLine) -> JobLine:
        text = line.text[:LONGEST_LINE]
        return JobLine(job_id=self.job_id, at=line.at, host=line.host[:60], text=text, failed=line.failed)


def run_playbook(ctx: Context, run: PlaybookRun, names: Iterable[str] = ()) -> PlaybookResult:
    """Run it to its end and return its result, which may tell of failures. Raises Cancelled or Stopping.

    With the machines' `names` the step's progress grows copy by copy, as lines tell of them.
    """
    job_id = begin_job(ctx, run.playbook)
    keeper = LineKeeper(ctx, job_id, frozenset(names))
    ctx.check_fencing()
    try:
        result = ctx.site.playbooks.run(run, on_line=keeper.add, cancelled=ctx.cancelled)
    except Exception as error:
        keeper.flush()
        end_job(ctx, job_id, JobState.FAILED, summary=str(error)[:LONGEST_LINE])
        raise
    keeper.flush()
    end_job(ctx, job_id, JOB_STATES.get(result.status, JobState.FAILED), summary=str(result.status))
    if result.status == PlaybookStatus.CANCELLED:
        if ctx.hooks.stopping():
            raise Stopping
        raise Cancelled(N_("This was cancelled."))
    return result


def begin_job(ctx: Context, playbook: str) -> UUID:
    with ctx.write() as db:
        close_interrupted(db, ctx)
        job = Job(workflow_id=ctx.workflow_id, playbook=playbook, started_at=ctx.site.clock())
        db.add(job)
        db.flush()
        return job.id


def close_interrupted(db: Session, ctx: Context) -> None:
    """A job that still runs at this point belongs to a worker that has died."""
    db.execute(
        update(Job)
        .where(Job.workflow_id == ctx.workflow_id, Job.state == JobState.RUNNING)
        .values(state=JobState.FAILED, ended_at=ctx.site.clock(), summary="interrupted")
    )


def end_job(ctx: Context, job_id: UUID, state: JobState, *, summary: str) -> None:
    with ctx.write() as db:
        job = db.get_one(Job, job_id)
        job.state, job.ended_at, job.summary = state, ctx.site.clock(), summary
        bump(db, ctx.workflow_id)


def check_result(result: PlaybookResult, names: Mapping[UUID, str]) -> None:
    """Raise PlaybookFailed with one sentence unless all these machines are as they should be.

    What a machine says comes first, then what its host says: the nearest reason helps most.
    """
    refused = {vm_id: outcome for vm_id, outcome in result.machines.items() if vm_id in names and not outcome.ok}
    for vm_id, outcome in refused.items():
        if outcome.message == BUSY:  # the rest of a run whose worker has died; it ends soon
            raise OutsideUnavailable(
                N_("Another worker is still busy with %(name)s. Try again in a minute."), name=names[vm_id]
            )
        raise machines_failed(len(refused), len(names), names[vm_id], outcome.message)
    if result.status == PlaybookStatus.TIMED_OUT:
        raise PlaybookFailed(N_("The hosts did not finish in time. Look whether they are overloaded, then try again."))
    for host, reason in result.hosts_failed.items():
        if reason.startswith(DOES_NOT_ANSWER):  # the rest is for technicians, and stands in the playbook's lines
            raise PlaybookFailed(
                N_(
                    "The host %(host)s does not answer. When it is back, try again. "
                    "If it is gone for good, an administrator declares it lost; then, too, try again."
                ),
                host=host,
            )
        raise PlaybookFailed(
            N_("On host %(host)s this happened: %(reason)s Put that right, then try again."),
            host=host,
            reason=as_sentence(reason),
        )
    if result.status != PlaybookStatus.SUCCEEDED:
        raise PlaybookFailed(N_("The playbook stopped with an error; its last lines say why. Then try again."))
    unsaid = [vm_id for vm_id in names if vm_id not in result.machines]
    if unsaid:
        raise machines_failed(len(unsaid), len(names), names[unsaid[0]], "its host reported nothing of it")


def machines_failed(failed: int, total: int, name: str, reason: str) -> PlaybookFailed:
    return PlaybookFailed(
        N_("%(failed)s of %(total)s machines failed. %(name)s: %(reason)s Put that right, then try again."),
        failed=failed,
        total=total,
        name=name,
        reason=as_sentence(reason),
    )


def as_sentence(text: str) -> str:
    text = " ".join(text.split())[:300] or "no reason was given"
    return text if text.endswith((".", "!", "?")) else f"{text}."
