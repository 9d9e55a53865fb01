"""/labs/<slug>/trial: try a lab on a real seat, and what its last trial has shown."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from portal.api.auth import permission
from portal.api.context import actor, now, site, writing
from portal.api.languages import language, said
from portal.api.lines import error_line
from portal.api.schemas.lab_trials import LabTrialOut, TriedStepOut
from portal.core.labs import LabSpec
from portal.core.plain_data import from_plain
from portal.core.policy import Permission
from portal.core.templates import TemplateError
from portal.models import LabTrial
from portal.services import lab_trials

bp = APIBlueprint("lab_trials", __name__, url_prefix="/labs/<slug>/trial", tag="Labs")


@bp.post("")
@bp.output(LabTrialOut, status_code=202)
@bp.doc(summary="Try a lab on a real seat", operation_id="try_lab")
@permission(Permission.SEE_LABS)
def ask(slug: str) -> LabTrialOut:
    """For those who manage labs, and those who teach in the lab's department. `GET /labs/{slug}` shows how it goes."""
    with writing() as db:
        trial = lab_trials.ask(
            db,
            actor=actor(),
            slug=slug.replace("\x00", ""),
            queue=site().queue,
            now=now(),
            reserve_hosts=site().settings.reserve_hosts,
        )
        db.flush()
        db.refresh(trial)
        return trial_out(trial)


def last_trial(db: Session, spec: LabSpec) -> LabTrialOut | None:
    """The one that goes on, else the last that came to a result; None for those who may not try the lab."""
    if not lab_trials.may_try(db, actor(), spec):
        return None
    newest = lab_trials.newest(db, spec.slug)
    going_on = newest if newest is not None and newest.ended_at is None else None
    shown = going_on or lab_trials.results(db, [spec.slug]).get(spec.slug)
    return trial_out(shown) if shown is not None else None


def trial_out(trial: LabTrial) -> LabTrialOut:
    return LabTrialOut(
        state=trial.state,
        version=trial.lab_version.version,
        asked_at=trial.asked_at,
        asked_by=trial.asked_by.name if trial.asked_by is not None else None,
        host=trial.host.name if trial.host is not None else None,
        boot_s=trial.boot_s,
        steps=[step_out(finding) for finding in trial.findings],
        guide_mistakes=[error_line(from_plain(TemplateError, one)) for one in trial.guide_mistakes],
        trouble=said(trial.trouble, trial.trouble_params) or None,
    )


def step_out(finding: dict[str, Any]) -> TriedStepOut:
    locale = language()
    return TriedStepOut(
        step=finding["step"],
        good=not finding["trouble"],
        before=finding["before"][locale],
        after=finding["after"][locale],
        trouble=said(finding["trouble"], finding["params"]) or None,
    )
