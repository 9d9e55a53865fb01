"""A lab is tried on a seat of nobody's class: what is wrong with it is found, and nothing is left, whatever happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from portal.backends.fake_cluster import FAILING, NEVER_READY, Trouble
from portal.core.errors import Conflict, NoCapacity, filled
from portal.core.labs import Check, CheckBy, LabStep, Solution
from portal.core.lifecycle import LabTrialState, WorkflowState
from portal.core.naming import seat_id_for
from portal.core.templates import Words
from portal.models import Claim, Host, LabSession, LabTrial, LabVersion, Template, Workflow
from portal.services import capacity, lab_trials, workflows
from portal.services.calendar import bookings
from portal.services.stray_seats import strays_of_seats
from portal.workflows.in_process import InProcessQueue
from portal.workflows.sequence import Fenced, Hooks
from tests.workflows.school import School, school

__all__ = ["school"]  # a fixture

WORDS = Words("Todavía no.", "Not yet.")
EYES = Check(CheckBy.TEACHER, WORDS)
STEPS = 5
HOSTS = ("hv1", "hv2", "hv3")


class Dead(BaseException):
    """What a worker's end looks like from inside a step."""


def looks_for(path: str, **changes: Any) -> Check:
    return Check(CheckBy.AGENT, WORDS, **{"machine": "server", "script": f"test -e {path}\n", "tries": 1, **changes})


def step(*checks: Check, makes: str = "/srv/done", slug: str = "look") -> LabStep:
    return LabStep(slug, WORDS, checks, (Solution("server", f"touch {makes}\n"),))


GOOD = step(looks_for("/srv/done"))


def guide_of(*steps: LabStep, command: str = "hostname") -> str:
    return "\n".join(f"## Do it {{#{one.slug}}}\n\n```type server\n{command}\n```\n" for one in steps)


@dataclass
class Trials:
    """Trials of one lab in this school."""

    school: School

    def lab(self, *steps: LabStep, **changes: Any) -> str:
        guide = guide_of(*steps)
        class_id = self.school.book(**{"steps": steps, "guide": Words(es=guide, en=guide), **changes})
        with self.school.site.write_sessions.begin() as db:
            lab_session = db.get_one(LabSession, class_id)
            lab_session.starts_at += timedelta(days=30)
            lab_session.ends_at += timedelta(days=30)
            lab_session.prepare_at = lab_session.starts_at
            return lab_session.lab_slug

    def ask(self, slug: str, queue: Any = None, **changes: Any) -> UUID:
        with self.school.site.write_sessions.begin() as db:
            offer = lab_trials.offer_for_all(db, slug)
            ordinary = {"by": None, "now": self.school.now(), "reserve_hosts": 1}
            return lab_trials.begin(db, offer, queue=queue or self.school.queue, **{**ordinary, **changes}).id

    def run(self, *steps: LabStep, **changes: Any) -> LabTrial:
        self.ask(self.lab(*steps, **changes))
        self.school.run()
        return self.newest()

    def newest(self) -> LabTrial:
        with self.school.site.sessions() as db:
            return db.scalars(select(LabTrial).order_by(LabTrial.asked_at.desc())).first()  # type: ignore[return-value]

    def clear(self) -> int:
        """As the clock does, later."""
        self.school.wait(150)
        with self.school.site.write_sessions.begin() as db:
            return len(lab_trials.clear_due(db, queue=self.school.queue, now=self.school.now()))

    def nothing_is_left(self) -> bool:
        with self.school.site.sessions() as db:
            return self.school.is_empty() and db.scalar(select(Claim.id).limit(1)) is None


@pytest.fixture
def trials(school: School) -> Trials:
    """Whoever looks at the hosts' clock finds that ten seconds have passed."""
    for part in (school.site.hypervisor, school.site.playbooks, school.site.doors):
        part.cluster.clock = lambda: ticking(school)  # type: ignore[union-attr]
    return Trials(school)


def ticking(school: School) -> float:
    school.wait(10)
    return school.clock[0]


def troubles(trial: LabTrial) -> list[str]:
    return [filled(finding["trouble"], finding["params"]) for finding in trial.findings]


def test_a_good_lab_is_proven_measured_and_gone(trials: Trials) -> None:
    trial = trials.run(GOOD)
    assert (trial.state, troubles(trial)) == (LabTrialState.PASSED, [""])
    (finding,) = trial.findings
    said = {"es": "Todavía no. (/srv/done is not there)", "en": "Not yet. (/srv/done is not there)"}
    assert finding["before"] == {"passed": False, "waits": False, **said}
    assert finding["after"]["passed"]
    assert trial.boot_s is not None
    assert trial.ended_at is not None
    assert trials.nothing_is_left()


@pytest.mark.parametrize(
    ("bad", "trouble"),
    [
        (step(looks_for("/srv/done", script="true\n")), "Its checks pass before anything was done"),
        (
            step(looks_for("/srv/done"), makes="/srv/no"),
            "Its checks fail after the solution: Todavía no. (/srv/done is not there) / Not yet.",
        ),
        (step(EYES, looks_for("/srv/done", script="true\n")), "Its checks pass before anything was done"),
        (step(looks_for("/srv/done"), makes="/srv/done /srv/x; test -f /srv/not"), "Its solution ended with 1"),
    ],
)
def test_what_is_wrong_with_a_step_is_said(trials: Trials, bad: LabStep, trouble: str) -> None:
    trial = trials.run(bad)
    assert trial.state == LabTrialState.FAILED
    assert trouble in troubles(trial)[0]
    assert trials.nothing_is_left()


def test_a_step_for_the_teachers_eyes_alone_is_good(trials: Trials) -> None:
    trial = trials.run(step(EYES))
    assert trial.state == LabTrialState.PASSED
    assert trial.findings[0]["after"]["waits"]


def test_all_steps_are_tried_in_order_though_one_is_bad(trials: Trials) -> None:
    second = step(looks_for("/srv/done"), looks_for("/srv/never"), slug="second")
    third = step(looks_for("/srv/third"), makes="/srv/third", slug="third")
    trial = trials.run(GOOD, second, third)
    assert [finding["step"] for finding in trial.findings] == ["look", "second", "third"]
    assert [not finding["trouble"] for finding in trial.findings] == [True, False, True]


def test_guides_that_say_other_commands_are_a_failure_although_all_steps_are_good(trials: Trials) -> None:
    trial = trials.run(GOOD, guide=Words(es=guide_of(GOOD, command="uptime"), en=guide_of(GOOD)))
    assert trial.state == LabTrialState.FAILED
    assert troubles(trial) == [""]
    assert [one["params"]["action"] for one in trial.guide_mistakes] == ["type server uptime", "type server hostname"]


def test_it_holds_room_that_ends_and_is_counted_once(trials: Trials) -> None:
    slug = trials.lab(GOOD)
    seen = list[Any]()

    def look(place: str) -> None:
        if place == "Boot one seat begun":
            with trials.school.site.sessions() as db:
                claims = list(db.scalars(select(Claim)))
                standing = capacity.ground(db, reserve_hosts=1).rooms
                held = bookings(db, since=trials.school.site.clock())
                seen.append((claims, [room.taken.memory_mib for room in standing], held))

    trial_id = trials.ask(slug)
    trials.school.run(Hooks(pause=trials.school.wait, checkpoint=look))
    ((claims, standing, held),) = seen
    assert {claim.lab_trial_id for claim in claims} == {trial_id}
    assert set(standing) == {0}
    (booking,) = [one for one in held if one.id == trial_id]
    assert booking.seats == 1
    assert booking.seat.memory_mib == sum(claim.memory_mib for claim in claims)


def test_without_room_nothing_is_begun(trials: Trials) -> None:
    slug = trials.lab(GOOD)
    with trials.school.site.write_sessions.begin() as db:
        db.execute(update(Host).values(memory_mib=100, reserved_memory_mib=0))
    with pytest.raises(NoCapacity, match="No host has room"):
        trials.ask(slug)
    assert trials.newest() is None


def test_one_lab_is_tried_once_at_a_time(trials: Trials) -> None:
    slug = trials.lab(GOOD)
    trials.ask(slug)
    with pytest.raises(Conflict, match="under way already"):
        trials.ask(slug)


def test_healing_leaves_its_seat_alone_while_it_goes_on(trials: Trials) -> None:
    slug, seen = trials.lab(GOOD), list[object]()
    trial_id = trials.ask(slug)

    def look(place: str) -> None:
        if place == "Try all steps begun":
            with trials.school.site.sessions() as db:
                hosts = capacity.hosts_in_order(db)
                traces = {host.name: trials.school.site.hypervisor.seat_traces(host.reached_at) for host in hosts}
                assert any(seat_id_for(trial_id, 1) in trace.seats for trace in traces.values())
                seen.append(list(strays_of_seats(db, traces)))

    trials.school.run(Hooks(pause=trials.school.wait, checkpoint=look))
    assert seen == [[]]


@pytest.mark.parametrize("step_number", range(STEPS))
def test_a_worker_that_dies_at_any_step_is_followed_by_one_that_leaves_nothing(
    trials: Trials, step_number: int
) -> None:
    second = step(looks_for("/srv/second"), makes="/srv/second", slug="second")
    trials.ask(trials.lab(GOOD, second))
    seen = list[str]()

    def die(place: str) -> None:
        seen.append(place)
        if place.endswith("done") and sum(each.endswith("done") for each in seen) == step_number + 1:
            raise Dead

    with pytest.raises(Dead):
        trials.school.run(Hooks(pause=trials.school.wait, checkpoint=die))
    assert trials.school.run() == "done"
    assert (trials.newest().state, troubles(trials.newest())) == (LabTrialState.PASSED, ["", ""])
    assert trials.nothing_is_left()


@pytest.mark.parametrize("step_number", range(STEPS))
def test_a_trial_that_is_stopped_leaves_nothing(trials: Trials, step_number: int) -> None:
    slug, seen = trials.lab(GOOD), list[str]()
    trials.ask(slug)

    def stop(place: str) -> None:
        seen.append(place)
        if place.endswith("begun") and len([each for each in seen if each.endswith("begun")]) == step_number + 1:
            with trials.school.site.write_sessions.begin() as db:
                workflows.ask_cancel(db, workflow_id=trials.newest().workflow_id or "", now=trials.school.now())

    assert trials.school.run(Hooks(pause=trials.school.wait, checkpoint=stop)) in ("cancelled", "done")
    assert trials.newest().ended_at is not None
    assert trials.newest().state != LabTrialState.RUNNING
    assert trials.nothing_is_left()


@pytest.mark.parametrize("name", [NEVER_READY, FAILING])
def test_a_seat_that_does_not_serve_is_a_failure_with_its_reason(trials: Trials, name: str) -> None:
    slug = trials.lab(GOOD)
    with trials.school.site.write_sessions.begin() as db:
        version = db.scalars(select(LabVersion).where(LabVersion.lab_slug == slug)).one()
        spec = dict(version.spec)
        spec["machines"] = [{**one, "name": one["name"].replace("server", name)} for one in spec["machines"]]
        version.spec = spec
        for template in db.scalars(select(Template)):
            template.spec = {**(template.spec or {}), "ready": {"by": "agent", "timeout_s": 0}}
    trials.ask(slug)
    trials.school.run()
    trial = trials.newest()
    assert trial.state == LabTrialState.FAILED
    assert trial.trouble
    assert trial.findings == []
    assert trials.nothing_is_left()


def test_what_silent_hosts_keep_is_taken_away_when_they_are_back(trials: Trials) -> None:
    slug = trials.lab(GOOD)
    for host in HOSTS:
        trials.school.cluster.trouble(host, Trouble.HOST_DOWN)
    trials.ask(slug)
    assert trials.school.run() == "failed"
    assert (trials.newest().state, trials.newest().ended_at) == (LabTrialState.FAILED, None)
    for host in HOSTS:
        trials.school.cluster.trouble(host)
    assert trials.clear() == 1
    assert trials.school.run() == "cancelled"
    assert trials.newest().ended_at is not None
    assert trials.newest().state == LabTrialState.FAILED
    assert trials.nothing_is_left()


def test_a_command_that_dies_is_given_up_and_cleared_and_writes_nothing_more(trials: Trials) -> None:
    slug, queue = trials.lab(GOOD), InProcessQueue()
    trial_id = trials.ask(slug, queue, alive_until=trials.school.now() + lab_trials.ALIVE)
    entry = queue.begun[0]

    def die(place: str) -> None:
        if place == "Try all steps begun":
            raise Dead

    with pytest.raises(Dead):
        queue.carry(trials.school.site, Hooks(pause=trials.school.wait, checkpoint=die))
    assert not trials.nothing_is_left()
    trials.clear()
    trials.school.wait(120)
    trials.clear()
    assert trials.school.run() == "cancelled"
    assert trials.newest().trouble == lab_trials.COMMAND_DEAD
    assert trials.nothing_is_left()
    with trials.school.site.sessions() as db:
        assert db.get_one(Workflow, entry[1]).state == WorkflowState.FAILED
        assert db.get_one(LabTrial, trial_id).state == LabTrialState.FAILED


def test_a_command_that_only_slept_is_fenced(trials: Trials) -> None:
    slug, queue = trials.lab(GOOD), InProcessQueue()
    trials.ask(slug, queue, alive_until=trials.school.now() + lab_trials.ALIVE)

    def sleep(place: str) -> None:
        if place == "Try all steps begun":
            trials.clear()

    with pytest.raises(Fenced):
        queue.carry(trials.school.site, Hooks(pause=trials.school.wait, checkpoint=sleep))


def test_a_command_that_lives_is_left_alone(trials: Trials) -> None:
    slug, queue = trials.lab(GOOD), InProcessQueue()
    trial_id = trials.ask(slug, queue, alive_until=trials.school.now() + lab_trials.ALIVE)

    def beat(place: str) -> None:
        if place == "Try all steps begun":
            trials.school.wait(150)
            with trials.school.site.write_sessions.begin() as db:
                lab_trials.say_alive(db, trial_id, trials.school.now() + timedelta(minutes=5))
            assert trials.clear() == 0

    assert queue.carry(trials.school.site, Hooks(pause=trials.school.wait, checkpoint=beat)) == "done"
    assert trials.newest().state == LabTrialState.PASSED


def test_a_trial_whose_templates_vanish_is_taken_away_all_the_same(trials: Trials) -> None:
    slug, seen = trials.lab(GOOD), list[str]()
    trials.ask(slug)

    def lose(place: str) -> None:
        seen.append(place)
        if len([each for each in seen if each.endswith("begun")]) == STEPS - 1:  # its seat stands
            trials.school.lose_templates()

    trials.school.run(Hooks(pause=trials.school.wait, checkpoint=lose))
    assert trials.newest().ended_at is not None
    assert trials.nothing_is_left()
