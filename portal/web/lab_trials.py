"""Trials on the page of a lab: the last result, what goes on now step by step, and the button that begins another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import N_, NotFound, PortalError
from portal.core.labs import LabStep
from portal.core.lifecycle import LabTrialState
from portal.core.policy import Permission
from portal.models import LabTrial
from portal.services import lab_trials, labs, workflows
from portal.services.lab_specs import spec_of
from portal.services.labs import LabOffer
from portal.services.workflows import Progress
from portal.web.context import actor, background, db, now, permission, site
from portal.web.languages import in_words

bp = Blueprint("lab_trials", __name__, url_prefix="/labs/<slug>/trial")


@dataclass(frozen=True)
class Verdict:
    """What the last trial that came to a result says, in one line. `tone` is of a tag."""

    trial: LabTrial | None
    version: int
    number: int = 0  # of the first step that is wrong, counted from one

    @property
    def is_proven(self) -> bool:
        return self.trial is not None and self.trial.state == LabTrialState.PASSED

    @property
    def is_of_older(self) -> bool:
        """The lab has a newer version, about which nothing is proven."""
        return self.trial is not None and self.trial.lab_version.version != self.version

    @property
    def tone(self) -> str:
        if self.trial is None:
            return "calm"
        return "bad" if not self.is_proven else "wait" if self.is_of_older else "good"

    @property
    def finding(self) -> Mapping[str, Any]:
        return self.trial.findings[self.number - 1] if self.trial is not None and self.number else {}


@dataclass(frozen=True)
class TrialCard:
    """`trial` is shown step by step: the one that goes on (`work` stands then), else the last result."""

    offer: LabOffer
    verdict: Verdict
    trial: LabTrial | None
    work: Progress | None
    steps: tuple[LabStep, ...]

    @property
    def may_begin(self) -> bool:
        return self.offer.teachable and not self.goes_on

    @property
    def goes_on(self) -> bool:
        return self.trial is not None and self.trial.ended_at is None

    def finding(self, step: str) -> Mapping[str, Any] | None:
        findings = self.trial.findings if self.trial is not None else []
        return next((one for one in findings if one["step"] == step), None)


def verdict_of(trial: LabTrial | None, version: int) -> Verdict:
    findings = trial.findings if trial is not None else []
    wrong = [number for number, finding in enumerate(findings, start=1) if finding["trouble"]]
    return Verdict(trial, version, wrong[0] if wrong else 0)


def verdicts() -> dict[str, Verdict] | None:
    """Of all labs, for those who manage them; None for others."""
    if not actor().may(Permission.MANAGE_LABS):
        return None
    found, offers = lab_trials.results(db()), labs.library(db(), actor=actor())
    return {one.slug: verdict_of(found.get(one.slug), one.version.version) for one in offers if one.version}


def card_of(offer: LabOffer) -> TrialCard | None:
    """None for those who may not try this lab, and before it has a good version."""
    if offer.spec is None or offer.version is None or not lab_trials.may_try(db(), actor(), offer.spec):
        return None
    result = lab_trials.results(db(), [offer.slug]).get(offer.slug)
    latest = lab_trials.newest(db(), offer.slug)
    going_on = latest if latest is not None and latest.ended_at is None else None
    shown = going_on or result
    work = workflows.progress_of(db(), going_on.workflow_id, now()) if going_on and going_on.workflow_id else None
    steps = spec_of(shown.lab_version).steps if shown is not None else offer.spec.steps
    verdict = verdict_of(result, offer.version.version)
    return TrialCard(offer, verdict, shown, work if work and work.state in workflows.LIVE else None, steps)


@bp.get("")
@permission(Permission.SEE_LABS)
@background
def show(slug: str) -> ResponseReturnValue:
    """The card's fragment, fetched while a trial goes on."""
    card = card_of(labs.get(db(), actor=actor(), slug=slug))
    if card is None:
        raise NotFound(N_("There is no lab “%(slug)s”."), slug=slug[:60])
    return render_template("labs/_trial.html", trial=card)


@bp.post("")
@permission(Permission.SEE_LABS)
def ask(slug: str) -> ResponseReturnValue:
    try:
        lab_trials.ask(
            db(),
            actor=actor(),
            slug=slug,
            queue=site().queue,
            now=now(),
            reserve_hosts=site().settings.reserve_hosts,
        )
    except NotFound:
        raise
    except PortalError as error:
        db().rollback()
        flash(in_words(error), "error")
    else:
        db().commit()
        flash(_("One seat is being made, and all steps are tried on it. You can leave this page meanwhile."), "success")
    return redirect(url_for("labs.show", slug=slug, _anchor="trial"))


@bp.post("/stop")
@permission(Permission.SEE_LABS)
def stop(slug: str) -> ResponseReturnValue:
    try:
        lab_trials.stop(db(), actor=actor(), slug=slug, now=now())
    except NotFound:
        raise
    except PortalError as error:
        db().rollback()
        flash(in_words(error), "error")
    else:
        db().commit()
        flash(_("The trial ends, and its seat is taken away."), "success")
    return redirect(url_for("labs.show", slug=slug, _anchor="trial"))
