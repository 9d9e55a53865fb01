"""A student's page: the guide, the hand, the machines of the own seat; and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest

from portal.core.errors import Conflict
from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import ConsoleTicket, LabSession, Seat, StepResult, Student
from portal.services import students
from portal.services.login_sessions import hash_of
from portal.site import Site
from portal.web import class_room
from tests.factories.moments import NOW
from tests.web.conftest import STUDENT_KEY, CheckingClient

HTMX = {"HX-Request": "true"}


def maria(site: Site) -> Student:
    with site.sessions() as db:
        return db.query(Student).where(Student.name == "María").one()


def change(site: Site, what: Callable[[LabSession, Seat], object]) -> None:
    """Something happens to María's class and seat."""
    with site.write_sessions.begin() as db:
        seat = db.query(Seat).where(Seat.student_id == maria(site).id).one()
        what(db.get_one(LabSession, seat.lab_session_id), seat)


def test_the_page_has_the_step_and_both_consoles_of_each_machine(joined: CheckingClient) -> None:
    page = joined.get("/class").text
    assert "Look around." in page or "Mire a su alrededor." in page
    assert re.findall(r'data-place="([a-z-]+)"', page) == [
        "server-graphical",
        "server-serial",
        "client-graphical",
        "client-serial",
    ]


@pytest.mark.parametrize(("language", "words"), [("es", "Mire a su alrededor."), ("en", "Look around.")])
def test_the_guide_speaks_the_students_language(joined: CheckingClient, language: str, words: str) -> None:
    joined.set_cookie("vivero_language", language)
    assert words in joined.get("/class").text


def test_a_step_is_opened_and_stays_open_on_another_device(joined: CheckingClient, site: Site) -> None:
    assert joined.send("/class/step", {"step": "touch"}).location == "/class"
    joined.set_cookie("vivero_language", "en")
    assert "Touch something and say so." in joined.get("/class").text
    assert maria(site).step == "touch"


def test_htmx_gets_the_guide_alone(joined: CheckingClient) -> None:
    answer = joined.send("/class/step", {"step": "touch"}, headers=HTMX, check=False)
    assert answer.text.lstrip().startswith('<section id="guide"')


@pytest.mark.parametrize("path", ["/class/step", "/class/hint"])
def test_a_step_that_is_not_in_the_lab_is_refused(joined: CheckingClient, path: str) -> None:
    assert joined.send(path, {"step": "nonsense"}).status_code == 404
    assert joined.send(path).status_code == 404


def test_hints_are_opened_one_by_one_and_counted(joined: CheckingClient, site: Site) -> None:
    joined.set_cookie("vivero_language", "en")
    assert "touch /tmp/done" not in joined.get("/class").text
    for _ in range(3):
        joined.send("/class/hint", {"step": "look"})
    assert "touch /tmp/done" in joined.get("/class").text
    with site.sessions() as db:
        assert db.query(StepResult).one().hints == 2


def test_a_hand_is_raised_with_a_line_and_lowered(joined: CheckingClient, site: Site) -> None:
    joined.send("/class/hand", {"text": "<b>¿Dónde?</b>"})
    assert maria(site).hand == "<b>¿Dónde?</b>"
    assert "/class/hand/lower" in joined.get("/class").text
    joined.send("/class/hand/lower")
    assert maria(site).hand is None


def test_a_hand_with_a_whole_novel_is_refused(joined: CheckingClient, site: Site) -> None:
    assert joined.send("/class/hand", {"text": "x" * 301}).status_code == 422
    assert maria(site).hand is None


def test_a_check_shows_what_it_said(joined: CheckingClient, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(site: Site, *, student_id: UUID, step: str) -> None:
        with site.write_sessions.begin() as db:  # waits for ever if the page still holds the write lock
            result = students.result_for(db, db.get_one(Student, student_id), step, NOW)
            result.tried_at, result.said = NOW, "There is no file yet."

    monkeypatch.setattr(class_room, "check_step", look)
    answer = joined.send("/class/check", {"step": "look"}, headers=HTMX, check=False)
    assert "There is no file yet." in answer.text
    assert joined.send("/class/check", {"step": "look"}).location == "/class"
    assert "There is no file yet." in joined.get("/class").text


def test_a_check_that_cannot_be_made_says_so_beside_the_button(
    joined: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(site: Site, *, student_id: UUID, step: str) -> None:
        raise Conflict("Checked just now.")

    monkeypatch.setattr(class_room, "check_step", refuse)
    answer = joined.send("/class/check", {"step": "look"}, headers=HTMX, check=False)
    assert answer.status_code == 200
    assert "Checked just now." in answer.text


def test_starting_again_is_asked_first(joined: CheckingClient) -> None:
    assert 'action="/class/again"' in joined.get("/class/again").text


def test_starting_again_has_all_machines_of_the_own_seat_made_anew(joined: CheckingClient, site: Site) -> None:
    assert joined.send("/class/again").location == "/class"
    assert 'id="waiting-title"' in joined.get("/class").text
    with site.sessions() as db:
        states = {seat.number: (seat.state, seat.resets) for seat in db.query(Seat)}
    assert states == {1: (SeatState.BUILDING, 1), 2: (SeatState.TAKEN, 0)}


def pass_step(site: Site, step: str) -> None:
    with site.write_sessions.begin() as db:
        result = students.result_for(db, db.get_one(Student, maria(site).id), step, NOW)
        result.tries, result.tried_at, result.passed_at = 1, NOW, NOW


def test_starting_again_offers_the_steps_to_which_one_has_come(joined: CheckingClient, site: Site) -> None:
    assert re.findall(r'name="step" value="([a-z]+)"', joined.get("/class/again").text) == ["look"]
    pass_step(site, "look")
    page = joined.get("/class/again").text
    assert re.findall(r'name="step" value="([a-z]+)"', page) == ["look", "touch"]
    assert joined.send("/class/again", {"step": "done"}).status_code == 409
    joined.send("/class/again", {"step": "touch"})
    with site.sessions() as db:
        assert [(seat.state, seat.begin_at_step) for seat in db.query(Seat).where(Seat.number == 1)] == [
            (SeatState.BUILDING, "touch")
        ]
    assert maria(site).step == "touch"


def test_who_begins_again_at_a_step_sees_how_far_it_is(joined: CheckingClient, site: Site) -> None:
    pass_step(site, "look")
    joined.set_cookie("vivero_language", "en")
    joined.send("/class/again", {"step": "touch"})
    page = joined.get("/class").text
    assert "the steps before step 2 are done as in the model solution" in page
    assert 'role="progressbar"' in page or "<progress" in page


def test_what_went_wrong_with_the_steps_before_is_said_until_it_is_read(joined: CheckingClient, site: Site) -> None:
    joined.set_cookie("vivero_language", "en")
    change(site, lambda lab_session, seat: setattr(seat, "trouble", "It was <b>the disk</b>."))
    assert "It was &lt;b&gt;the disk&lt;/b&gt;." in joined.get("/class").text
    joined.send("/class/understood")
    assert "the disk" not in joined.get("/class").text


def test_who_has_no_seat_yet_waits_for_one(joined: CheckingClient, site: Site) -> None:
    change(site, lambda lab_session, seat: setattr(seat, "student_id", None))
    assert 'id="waiting-title"' in joined.get("/class").text
    assert joined.send("/class/again").status_code == 409
    assert joined.send("/class/seat", {"phase": "x"}, headers=HTMX).headers["HX-Refresh"] == "true"
    change_free_seat(site)
    joined.send("/class/seat")
    assert 'role="tab"' in joined.get("/class").text


def change_free_seat(site: Site) -> None:
    with site.write_sessions.begin() as db:
        db.query(Seat).where(Seat.student_id.is_(None)).one().state = SeatState.READY


def test_a_ticket_is_for_the_own_seat_and_this_key(joined: CheckingClient, site: Site) -> None:
    answer = joined.send("/class/console-ticket", {"machine": "client", "kind": "serial"}).get_json()
    assert answer["url"] == "/live/console"
    with site.sessions() as db:
        ticket = db.query(ConsoleTicket).one()
        seat = db.query(Seat).where(Seat.student_id == maria(site).id).one()
        assert ticket.seat_machine_id == seat.machines[1].id
        assert (ticket.login_session_hash, ticket.account_id) == (hash_of(STUDENT_KEY), None)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"machine": "router", "kind": "serial"}, 404),
        ({"machine": "server", "kind": "brain"}, 422),
        ({"kind": "serial"}, 404),
        ({}, 422),
    ],
)
def test_a_console_that_is_not_there_is_refused_in_words(
    joined: CheckingClient, data: dict[str, str], status: int
) -> None:
    answer = joined.send("/class/console-ticket", data)
    assert answer.status_code == status
    assert answer.get_json()["error"]


def mark_of(page: str) -> str:
    return page.split("/class/status?mark=")[1].split('"')[0]


def status(client: CheckingClient, mark: str) -> tuple[int, str | None, str]:
    answer = client.get(f"/class/status?mark={mark}", headers=HTMX, check=False)
    return answer.status_code, answer.headers.get("HX-Refresh"), answer.text


def test_nothing_is_sent_while_nothing_changes(joined: CheckingClient) -> None:
    assert status(joined, mark_of(joined.get("/class").text)) == (204, None, "")


def test_the_teachers_message_and_the_lock_come_by_themselves(joined: CheckingClient, site: Site) -> None:
    mark = mark_of(joined.get("/class").text)

    def say(lab_session: LabSession, seat: Seat) -> None:
        lab_session.notice, lab_session.locked = "Five more <minutes>", True

    change(site, say)
    code, again, text = status(joined, mark)
    assert (code, again) == (200, None)
    assert "Five more &lt;minutes&gt;" in text
    assert "banner-lock" in text
    assert 'id="guide"' not in text
    assert status(joined, mark_of(text)) == (204, None, "")


def test_what_the_teacher_moves_in_the_guide_comes_by_itself(joined: CheckingClient, site: Site) -> None:
    mark = mark_of(joined.get("/class").text)
    with site.write_sessions.begin() as db:
        db.get_one(Student, maria(site).id).step = "done"
    code, again, text = status(joined, mark)
    assert (code, again) == (200, None)
    assert 'id="guide"' in text
    assert 'id="hand"' not in text


@pytest.mark.parametrize("mark", ["", "x", "a.b.c", "a.b.c.d.e", "../../.."])
def test_a_sign_that_nobody_gave_loads_the_page_again(joined: CheckingClient, mark: str) -> None:
    assert status(joined, mark) == (204, "true", "")


def test_a_seat_that_begins_again_shows_that_it_is_being_prepared(joined: CheckingClient, site: Site) -> None:
    mark = mark_of(joined.get("/class").text)

    def reset(lab_session: LabSession, seat: Seat) -> None:
        seat.move_to(SeatState.BUILDING)

    change(site, reset)
    assert status(joined, mark) == (204, "true", "")
    page = joined.get("/class").text
    assert 'id="waiting-title"' in page
    assert 'role="tab"' not in page
    assert status(joined, mark_of(page)) == (204, None, "")


def test_a_class_that_has_not_begun_says_when_it_does(joined: CheckingClient, site: Site) -> None:
    change(site, lambda lab_session, seat: setattr(lab_session, "state", LabSessionState.BOOKED))
    joined.set_cookie("vivero_language", "en")
    page = joined.get("/class").text
    assert "It begins at 09:55" in page
    assert joined.send("/class/seat").location == "/class"


@pytest.mark.parametrize("state", [LabSessionState.ENDED, LabSessionState.CANCELLED])
def test_a_class_that_is_over_says_so_wherever_one_was(
    joined: CheckingClient, site: Site, state: LabSessionState
) -> None:
    mark = mark_of(joined.get("/class").text)
    change(site, lambda lab_session, seat: setattr(lab_session, "state", state))
    assert joined.get("/class").location == "/class/ended"
    assert joined.send("/class/hand", {"text": "?"}).location == "/class/ended"
    answer = joined.get(f"/class/status?mark={mark}", headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/class/ended")
    assert "/join" in joined.get("/class/ended").text


def test_an_unknown_key_is_asked_for_a_code(client: CheckingClient, lab_session: UUID) -> None:
    client.set_cookie("vivero_seat", "x" * 3000)
    assert client.get("/class").location == "/join"


def test_a_form_without_its_token_changes_nothing(joined: CheckingClient, site: Site) -> None:
    assert joined.post("/class/hand", data={"text": "?"}).status_code == 400
    assert maria(site).hand is None


def test_being_there_is_noted_at_most_every_half_minute(joined: CheckingClient, site: Site) -> None:
    joined.get("/class")
    assert maria(site).seen_at == NOW
    site.clock.at = NOW.replace(minute=1)  # type: ignore[attr-defined]
    joined.get("/class/status?mark=x")
    assert maria(site).seen_at == NOW.replace(minute=1)
