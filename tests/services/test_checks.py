"""Checks of a lab's steps: what passes, what a student is told, and that nobody else's seat is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from portal.backends.doors_fake import FakeDoors
from portal.backends.fake_cluster import FakeSeat, Trouble
from portal.backends.hypervisor_fake import FakeHypervisor
from portal.core.errors import GuestSilent
from portal.core.labs import Check, CheckBy, LabStep, Solution
from portal.core.templates import Words
from portal.interfaces import GuestAnswer, HostAddress, Power
from portal.services import checks
from portal.services.checks import SILENT, WAITS, CheckOutcome, Eyes, Place
from tests.services.conftest import Cluster

TOLD = Words(es="Todavía no está.", en="It is not there yet.")
HV1 = HostAddress("hv1", "10.77.0.11")


def check(by: CheckBy = CheckBy.AGENT, **changes: Any) -> Check:
    ordinary = {"machine": "web", "script": "look-here\n", "port": 80, "pattern": "", "tries": 1}
    return Check(by, TOLD, **{**ordinary, **changes})


def step(*wanted: Check, solutions: tuple[Solution, ...] = ()) -> LabStep:
    return LabStep("look", TOLD, wanted, solutions)


@dataclass
class Room:
    """One booted seat with one machine called web, and eyes to look at it."""

    cluster: Cluster
    place: Place = field(default_factory=lambda: Place(HV1, uuid4(), {"web": uuid4()}))

    def __post_init__(self) -> None:
        folder, clock = self.cluster.folder, self.cluster.clock
        self.eyes = Eyes(FakeHypervisor(folder, clock=clock), FakeDoors(folder, clock=clock))
        self.put_seat(self.place)

    def put_seat(self, place: Place) -> None:
        (machine_id,) = place.machines.values()
        self.cluster.put_machine(machine_id, "seat-web")
        with self.cluster.world.world() as world:
            machine = world.machines[str(machine_id)]
            machine.seat, machine.host_name = str(place.seat_id), "web"
            doors = {"web-80": str(machine_id)}
            world.seats[str(place.seat_id)] = FakeSeat(str(place.seat_id), "hv1", doors=doors)

    def say(self, exit_code: int, output: str = "") -> None:
        self.cluster.world.answer_in_guest("look-here", exit_code, output)

    def look(self, *wanted: Check, locale: str = "en") -> CheckOutcome:
        return checks.look(self.eyes, step(*wanted), self.place, locale)


@pytest.fixture
def room(cluster: Cluster) -> Room:
    return Room(cluster)


def test_a_script_that_ends_well_passes(room: Room) -> None:
    room.say(0, "all is well\n")
    assert room.look(check()) == CheckOutcome(True)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("", "It is not there yet."),
        (" \n\n", "It is not there yet."),
        ("looking\n-rw-r--r--\n\n", "It is not there yet. (-rw-r--r--)"),
        ("x" * 500, f"It is not there yet. ({'x' * checks.LONGEST_SAID})"),
    ],
)
def test_a_script_that_fails_adds_what_it_saw_to_what_the_lab_says(room: Room, output: str, said: str) -> None:
    room.say(1, output)
    assert room.look(check()) == CheckOutcome(False, (said,))


@pytest.mark.parametrize(("locale", "said"), [("es", TOLD.es), ("en", TOLD.en)])
def test_the_message_is_in_the_students_language(room: Room, locale: str, said: str) -> None:
    room.say(1)
    assert room.look(check(), locale=locale).messages == (said,)


def test_a_port_is_open_when_the_machine_behind_it_serves(room: Room) -> None:
    assert room.look(check(CheckBy.TCP)).passed
    assert not room.look(check(CheckBy.TCP, port=81)).passed


@pytest.mark.parametrize(
    ("status", "body", "changes", "passed"),
    [
        (200, "<h1>Hello</h1>", {"pattern": "<h1>"}, True),
        (200, "<p>Hello</p>", {"pattern": "<h1>"}, False),
        (404, "<h1>No</h1>", {"pattern": "<h1>"}, False),
        (403, "", {"status": 403}, True),
        (200, "", {"status": 403}, False),
        (200, "<h1>Hello</h1>", {"pattern": "<h1>", "port": 81}, False),
    ],
)
def test_a_page_is_right_by_its_status_and_its_text(
    room: Room, status: int, body: str, changes: dict[str, Any], passed: bool
) -> None:
    room.cluster.world.answer_at_door("web-80", "/wiki", status, body)
    assert room.look(check(CheckBy.HTTP, path="/wiki", **changes)).passed == passed


@pytest.mark.parametrize(("pattern", "passed"), [(r"web login:", True), (r"kernel panic", False)])
def test_a_line_on_the_console_is_looked_for(room: Room, pattern: str, passed: bool) -> None:
    assert room.look(check(CheckBy.SERIAL, pattern=pattern)).passed == passed


def test_the_first_check_that_fails_speaks_and_the_rest_is_not_looked_at(room: Room) -> None:
    room.say(1, "First this.")
    second = check(script="touch /tmp/seen\n")
    assert room.look(check(), second).messages == ("It is not there yet. (First this.)",)
    assert room.look(check(script="test -f /tmp/seen\n")).passed is False


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_teachers_look_waits_until_all_else_passes(room: Room, order: tuple[int, int]) -> None:
    both = [check(), check(CheckBy.TEACHER)]
    wanted = [both[number] for number in order]
    room.say(1, "Not yet.")
    assert room.look(*wanted) == CheckOutcome(False, ("It is not there yet. (Not yet.)",))
    room.say(0)
    assert room.look(*wanted, locale="es") == CheckOutcome(False, (WAITS.es,), waits_for_teacher=True)


def test_a_machine_that_the_seat_does_not_have_does_not_pass(room: Room) -> None:
    assert room.look(check(machine="pacs")) == CheckOutcome(False, (TOLD.en,))


def switch_off(room: Room) -> None:
    with room.cluster.world.world() as world:
        for machine in world.machines.values():
            machine.power = Power.OFF


def lose_machines(room: Room) -> None:
    with room.cluster.world.world() as world:
        world.machines.clear()


def silence_host(room: Room) -> None:
    room.cluster.world.trouble("hv1", Trouble.HOST_DOWN)


@pytest.mark.parametrize("trouble", [switch_off, lose_machines, silence_host])
@pytest.mark.parametrize("locale", ["es", "en"])
def test_a_guest_that_is_silent_is_said_to_be_so(room: Room, trouble: Any, locale: str) -> None:
    trouble(room)
    assert room.look(check(), locale=locale) == CheckOutcome(False, (SILENT.read(locale),))


@pytest.mark.parametrize("by", [CheckBy.TCP, CheckBy.HTTP, CheckBy.SERIAL])
def test_a_host_that_is_silent_is_no_mistake_of_the_student(room: Room, by: CheckBy) -> None:
    silence_host(room)
    assert room.look(check(by, pattern="x")).messages == (SILENT.en,)


@dataclass
class Moody(FakeHypervisor):
    """Guests whose answers are told beforehand."""

    answers: list[GuestAnswer | Exception]

    def run_in_guest(self, host: HostAddress, vm_id: UUID, command: Sequence[str], *, timeout_s: float) -> GuestAnswer:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("tries", "answers", "passed"),
    [
        (2, [GuestAnswer(1, ""), GuestAnswer(0, "")], True),
        (2, [GuestSilent("silent"), GuestAnswer(0, "")], True),
        (1, [GuestAnswer(1, "")], False),
        (3, [GuestAnswer(1, ""), GuestAnswer(1, ""), GuestAnswer(1, "")], False),
    ],
)
def test_a_check_is_tried_as_often_as_the_lab_says(
    room: Room, tries: int, answers: list[GuestAnswer | Exception], passed: bool
) -> None:
    eyes = replace(room.eyes, hypervisor=Moody(answers))
    assert checks.look(eyes, step(check(tries=tries)), room.place, "en").passed == passed
    assert answers == []


def test_the_newest_try_speaks(room: Room) -> None:
    eyes = replace(room.eyes, hypervisor=Moody([GuestSilent("silent"), GuestAnswer(1, "Empty.")]))
    assert checks.look(eyes, step(check(tries=2)), room.place, "en").messages == ("It is not there yet. (Empty.)",)


def test_a_solution_makes_its_check_pass_and_a_failing_one_says_why(room: Room) -> None:
    done = step(check(script="test -f /tmp/done"), solutions=(Solution("web", "touch /tmp/done"),))
    assert checks.solve(room.eyes, done, room.place) is None
    assert checks.look(room.eyes, done, room.place, "en").passed
    room.cluster.world.answer_in_guest("touch", 2, "disk full\n")
    assert str(checks.solve(room.eyes, done, room.place)) == "Its solution ended with 2: disk full"


@pytest.mark.parametrize("trouble", [switch_off, silence_host])
def test_a_solution_that_cannot_be_run_says_so(room: Room, trouble: Any) -> None:
    trouble(room)
    done = step(check(), solutions=(Solution("web", "touch /tmp/done"),))
    assert str(checks.solve(room.eyes, done, room.place)).startswith("Its solution could not be run: ")
