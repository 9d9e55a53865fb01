"""The report of a class: read by its teacher alone, as a page and as a table."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest

from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import LabSession, Seat, StepResult, Student
from portal.services import audit
from portal.services.seats import subject_of
from portal.site import Site
from tests.factories import make_student
from tests.factories.moments import NOW
from tests.web.conftest import CheckingClient

PATHS = ["/report", "/report.csv"]


@pytest.fixture
def over(site: Site, lab_session: UUID) -> str:
    """Tom's class is over: María passed two steps, Noor tried the first one nine times; its address."""
    with site.write_sessions.begin() as db:
        row = db.get_one(LabSession, lab_session)
        row.state, row.opened_at, row.ended_at = LabSessionState.ENDED, NOW, NOW + timedelta(minutes=50)
        for seat in db.query(Seat):
            seat.state, seat.begun_at, seat.warm = SeatState.GONE, NOW - timedelta(seconds=4), True
        for student in db.query(Student):
            student.seen_at = NOW + timedelta(minutes=40)
            maria = student.name == "María"
            done = {"passed_at": NOW + timedelta(minutes=10)} if maria else {}
            db.add(StepResult(student_id=student.id, step="look", begun_at=NOW, tries=1 if maria else 9, **done))  # type: ignore[arg-type]
        things = {"hv2": ["machine a", "machine b", "folder c", "network c"]}
        for action, hosts in (("lab_session.inventory", things), ("lab_session.cleared", {})):
            audit.record(db, actor=None, action=action, subject=subject_of(row), now=NOW, details={"hosts": hosts})
    return f"/classes/{lab_session}"


@pytest.fixture
def tom(client: CheckingClient) -> CheckingClient:
    client.set_cookie("vivero_language", "en")
    return client


def rows_of(client: CheckingClient, over: str) -> list[dict[str, str]]:
    text = client.get(f"{over}/report.csv").get_data(as_text=True)
    return list(csv.DictReader(StringIO(text.removeprefix("\ufeff"))))


def test_the_report_shows_people_steps_seats_and_proof(tom: CheckingClient, over: str) -> None:
    page = tom.log_in("tom").get(f"{over}/report").text
    for words in ("María", "Noor", "40 min", "10 min"):
        assert words in page
    assert "/report.csv" in page


def test_it_speaks_english_too(tom: CheckingClient, over: str, site: Site) -> None:
    speak_english(site)
    page = tom.log_in("tom").get(f"{over}/report").text
    assert "1 of 2 did not get past step 1: plan more time for it or add a hint." in page
    assert "nothing of this class is left" in page
    assert "Entries" in page


def speak_english(site: Site) -> None:
    with site.write_sessions.begin() as db:
        for row in db.query(LabSession):
            row.teacher.locale = "en"


def test_the_table_has_a_row_for_each_student(tom: CheckingClient, over: str, site: Site) -> None:
    speak_english(site)
    maria, noor = rows_of(tom.log_in("tom"), over)
    assert (maria["Student"], maria["Seat"], maria["Minutes there"], maria["Steps passed"]) == ("María", "1", "40", "1")
    assert (maria["Step 1: passed"], maria["Step 1: minutes"]) == ("yes", "10")
    assert (noor["Step 1: passed"], noor["Step 1: tries"], noor["Step 2: tries"]) == ("no", "9", "")


def test_no_name_becomes_a_formula(tom: CheckingClient, over: str, site: Site) -> None:
    with site.write_sessions.begin() as db:
        make_student(db, db.query(LabSession).one(), "=1+1")
    assert "'=1+1" in tom.log_in("tom").get(f"{over}/report.csv").get_data(as_text=True)


def test_names_in_the_report_are_text(tom: CheckingClient, over: str, site: Site) -> None:
    with site.write_sessions.begin() as db:
        make_student(db, db.query(LabSession).one(), "<script>alert(1)</script>")
    assert "<script>alert" not in tom.log_in("tom").get(f"{over}/report").text


@pytest.mark.parametrize("path", PATHS)
def test_only_its_teacher_reads_it(client: CheckingClient, over: str, path: str) -> None:
    assert client.get(f"{over}{path}").status_code == 303
    assert client.log_in("ada").get(f"{over}{path}").status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_for_another_teacher_it_is_not_there(
    client: CheckingClient, over: str, path: str, site: Site, people: object
) -> None:
    with site.write_sessions.begin() as db:
        db.query(LabSession).one().teacher_id = people.ada  # type: ignore[attr-defined]
    assert client.log_in("tom").get(f"{over}{path}").status_code == 404


def test_who_manages_labs_reads_it(client: CheckingClient, over: str) -> None:
    assert client.log_in("alan").get(f"{over}/report").status_code == 200


def test_a_class_that_goes_on_says_that_figures_change(tom: CheckingClient, lab_session: UUID, site: Site) -> None:
    speak_english(site)
    assert "these figures still change" in tom.log_in("tom").get(f"/classes/{lab_session}/report").text


def test_before_the_class_there_is_no_report(tom: CheckingClient, lab_session: UUID, site: Site) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(LabSession, lab_session).state = LabSessionState.BOOKED
    assert tom.log_in("tom").get(f"/classes/{lab_session}/report").status_code == 409


def test_a_class_that_is_over_leads_to_its_report(tom: CheckingClient, over: str) -> None:
    assert f'href="{over}/report"' in tom.log_in("tom").get(over).text


def test_a_class_that_goes_on_does_not(tom: CheckingClient, lab_session: UUID) -> None:
    assert "/report" not in tom.log_in("tom").get(f"/classes/{lab_session}").text
