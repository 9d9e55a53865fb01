"""A lab is tried on a seat of nobody's class: what is wrong with its steps is found, and nothing is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portal.backends.fake_cluster import FAILING, NEVER_READY, Trouble
from portal.core.errors import PlaybookFailed
from portal.core.labs import Check, CheckBy, LabStep, Solution
from portal.core.templates import Ready, ReadyBy, Words
from portal.interfaces import HostAddress
from portal.models import LabSession, Workflow
from portal.services.seat_designs import SeatDesign, design_of
from portal.workflows.lab_trials import StepTrial, try_lab
from tests.workflows.school import School, school

__all__ = ["school"]  # a fixture

WORDS = Words("Todavía no.", "Not yet.")
HOST = HostAddress("hv1", "10.77.0.11")
EYES = Check(CheckBy.TEACHER, WORDS)


def looks_for(path: str, **changes: Any) -> Check:
    return Check(CheckBy.AGENT, WORDS, **{"machine": "server", "script": f"test -e {path}\n", "tries": 1, **changes})


def step(*checks: Check, makes: str = "/srv/done") -> LabStep:
    return LabStep("look", WORDS, checks, (Solution("server", f"touch {makes}\n"),))


GOOD = step(looks_for("/srv/done"))


def tried(school: School, *steps: LabStep, **changes: Any) -> list[StepTrial]:
    return try_lab(school.site, designed(school, steps, **changes), HOST)


def designed(school: School, steps: tuple[LabStep, ...], **changes: Any) -> SeatDesign:
    class_id = school.book(steps=steps, **changes)
    with school.site.sessions() as db:
        return design_of(db, db.get_one(LabSession, class_id).lab_version)


@pytest.fixture(autouse=True)
def booted(school: School) -> None:
    """Whoever looks at the hosts' clock finds that ten seconds have passed."""
    for part in (school.site.hypervisor, school.site.playbooks, school.site.doors):
        part.cluster.clock = lambda: ticking(school)  # type: ignore[union-attr]


def ticking(school: School) -> float:
    school.wait(10)
    return school.clock[0]


def test_a_good_step_fails_before_and_passes_after(school: School) -> None:
    (trial,) = tried(school, GOOD)
    assert (trial.ok, trial.before.passed, trial.after.passed) == (True, False, True)
    assert trial.before.messages == ("Not yet. (/srv/done is not there)",)


@pytest.mark.parametrize(
    ("bad", "trouble"),
    [
        (step(looks_for("/srv/done", script="true\n")), "its checks pass before anything was done"),
        (
            step(looks_for("/srv/done"), makes="/srv/other"),
            "its checks fail after the solution: Not yet. (/srv/done is not there)",
        ),
        (step(EYES, looks_for("/srv/done", script="true\n")), "its checks pass before anything was done"),
        (step(looks_for("/srv/done"), makes="/srv/done /srv/x; test -f /srv/not"), "its solution ended with 1"),
    ],
)
def test_what_is_wrong_with_a_step_is_said(school: School, bad: LabStep, trouble: str) -> None:
    (trial,) = tried(school, bad)
    assert not trial.ok
    assert trouble in trial.trouble


def test_a_step_for_the_teachers_eyes_alone_is_good(school: School) -> None:
    (trial,) = tried(school, step(EYES))
    assert trial.ok
    assert trial.after.waits_for_teacher


def test_all_steps_are_tried_in_order_and_each_is_told_at_once(school: School) -> None:
    second = replace(GOOD, slug="second", checks=(looks_for("/srv/done"), looks_for("/srv/never")))
    third = replace(step(looks_for("/srv/third"), makes="/srv/third"), slug="third")
    told: list[str] = []
    trials = try_lab(
        school.site, designed(school, (GOOD, second, third)), HOST, say=lambda trial: told.append(trial.step)
    )
    assert told == [trial.step for trial in trials] == ["look", "second", "third"]
    assert [trial.ok for trial in trials] == [True, False, True]


def test_nothing_is_left_on_the_cluster_or_in_the_database(school: School) -> None:
    tried(school, GOOD)
    assert school.is_empty()
    with school.site.sessions() as db:
        assert db.query(Workflow).count() == 0


def named(school: School, name: str, *, wait_s: int = 300) -> SeatDesign:
    """The lab with a server of this name, and so much patience for its boot."""
    design = designed(school, (GOOD,))
    parts = [
        replace(
            part,
            machine=replace(part.machine, name=name if part.machine.name == "server" else "client"),
            spec=replace(part.spec, ready=Ready(ReadyBy.AGENT, wait_s)),
        )
        for part in design.parts
    ]
    machines = tuple(part.machine for part in parts)
    return SeatDesign(replace(design.spec, machines=machines), tuple(parts))


@pytest.mark.parametrize(
    ("name", "reason"), [(NEVER_READY, "did not become ready in time"), (FAILING, "let this machine fail")]
)
def test_a_seat_that_does_not_serve_is_taken_away_and_the_reason_told(school: School, name: str, reason: str) -> None:
    with pytest.raises(PlaybookFailed, match=reason):
        try_lab(school.site, named(school, name, wait_s=0), HOST)
    assert school.is_empty()


def test_a_host_that_is_silent_is_told(school: School) -> None:
    school.cluster.trouble("hv1", Trouble.HOST_DOWN)
    with pytest.raises(PlaybookFailed, match="does not answer"):
        tried(school, GOOD)


def test_the_seat_is_taken_away_when_somebody_stops_the_trial(school: School) -> None:
    def stop(trial: StepTrial) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        try_lab(school.site, designed(school, (GOOD,)), HOST, say=stop)
    assert school.is_empty()
