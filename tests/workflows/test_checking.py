"""A student's check from click to kept result, on a class that was really prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from portal.backends.fake_cluster import Trouble
from portal.core.errors import Conflict
from portal.interfaces import GuestAnswer, HostAddress
from portal.models import StepResult, Student
from portal.services import checks
from portal.services.checks import CheckOutcome
from portal.workflows.checking import check_step
from tests.workflows.school import School, school

__all__ = ["school"]  # a fixture


@pytest.fixture
def class_id(school: School) -> UUID:
    """Ada and Noor sit in it, at warm seats."""
    class_id = school.book(seats=2, spares=0)
    school.prepare(class_id)
    for name in ("Ada", "Noor"):
        school.sit_down(class_id, name)
    return class_id


def student_id(school: School, name: str = "Ada") -> UUID:
    with school.site.sessions() as db:
        return db.query(Student).where(Student.name == name).one().id


def check(school: School, step: str = "look", name: str = "Ada") -> CheckOutcome:
    school.wait(2)
    return check_step(school.site, student_id=student_id(school, name), step=step)


def kept(school: School, step: str = "look") -> StepResult:
    with school.site.sessions() as db:
        return db.get_one(StepResult, (student_id(school), step))


def test_what_the_check_said_is_kept_and_then_that_it_passed(school: School, class_id: UUID) -> None:
    assert check(school).messages == ("There is no file yet. (/tmp/done is not there)",)  # noqa: S108 - in a guest that is not there
    assert (kept(school).tries, kept(school).passed_at) == (1, None)
    school.cluster.answer_in_guest("test -e", 0)
    assert check(school).passed
    assert (kept(school).tries, kept(school).said) == (2, "")
    assert kept(school).passed_at is not None


def test_what_a_neighbour_did_helps_nobody_else(school: School, class_id: UUID) -> None:
    mine, other = school.seats(class_id)
    with school.cluster.world() as world:
        for machine in world.machines.values():
            if machine.seat == str(other.id):
                machine.files.append("/tmp/done")  # noqa: S108 - in a guest that is not there
    assert not check(school).passed
    assert check(school, name="Noor").passed


def test_a_teachers_step_waits_and_is_not_passed(school: School, class_id: UUID) -> None:
    assert check(school, "touch").waits_for_teacher
    assert kept(school, "touch").passed_at is None


def test_a_silent_host_is_said_in_the_students_language(school: School, class_id: UUID) -> None:
    for host in ("hv1", "hv2", "hv3"):
        school.cluster.trouble(host, Trouble.HOST_DOWN)
    assert check(school).messages == (checks.SILENT.en,)
    with school.site.write_sessions.begin() as db:
        db.get_one(Student, student_id(school)).locale = "es"
    assert check(school).messages == (checks.SILENT.es,)


def test_a_second_check_while_the_first_looks_is_refused_and_nobody_waits_for_the_database(
    school: School, class_id: UUID
) -> None:
    real, refused = school.site.hypervisor, []

    class Impatient:
        """Another click comes while the guest is asked; it writes to the database, so nobody may hold it."""

        def run_in_guest(self, host: HostAddress, vm_id: UUID, command: Sequence[str], **rest: Any) -> GuestAnswer:
            with pytest.raises(Conflict, match="just now"):
                check_step(site, student_id=student_id(school), step="look")
            refused.append(vm_id)
            return real.run_in_guest(host, vm_id, command, **rest)

    at = school.now()
    site = replace(school.site, hypervisor=Impatient(), clock=lambda: at)  # type: ignore[arg-type]
    assert not check_step(site, student_id=student_id(school), step="look").passed
    assert len(refused) == 2  # its two tries
    assert kept(school).tries == 1


def test_a_seat_that_begins_again_is_not_checked(school: School, class_id: UUID) -> None:
    mine = next(seat for seat in school.seats(class_id) if seat.student_id == student_id(school))
    with school.site.write_sessions.begin() as db:
        checks.seats.ask_reset(db, seat=db.merge(mine), by=None, queue=school.queue, now=school.now())
    with pytest.raises(Conflict, match="being prepared"):
        check(school)
    school.run()
    assert not check(school).passed
