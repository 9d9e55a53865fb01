"""The teacher's board in the browser: each button works, and says no to whom and when it should."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.seat_signs import WITHOUT, Sign
from portal.models import Account, Host, LabSession, Seat, StepResult, Student
from portal.services import students
from portal.site import Site
from tests.factories import make_seat, make_student
from tests.factories.moments import NOW
from tests.factories.queries import counted
from tests.web.conftest import CheckingClient, FixedClock, People

State = LabSessionState
POSTS = (
    "prepare",
    "open",
    "end",
    "lock",
    "notice",
    "reset",
    "prolong",
    "bring",
    "students/{student}/hand",
    "students/{student}/key",
    "students/{student}/steps/look",
    "seats/1/console-ticket",
)
GETS = ("", "board", "end", "reset", "reset?seat=1", "wall", "seats/1/server/screen", "seats/1/server/console")


@pytest.fixture
def tom(client: CheckingClient, lab_session: UUID) -> CheckingClient:
    client.log_in("tom")
    client.set_cookie("vivero_language", "en")
    return client


def maria(site: Site) -> Student:
    with site.sessions() as db:
        return db.query(Student).where(Student.name == "María").one()


def address(site: Site, lab_session: UUID, path: str) -> str:
    return f"/classes/{lab_session}/{path.format(student=maria(site).id)}".rstrip("/")


def row(site: Site, lab_session: UUID) -> LabSession:
    with site.sessions() as db:
        return db.get_one(LabSession, lab_session)


def change(site: Site, lab_session: UUID, what: Callable[[LabSession], object]) -> None:
    with site.write_sessions.begin() as db:
        what(db.get_one(LabSession, lab_session))


def give_away(site: Site, lab_session: UUID) -> None:
    """The class is Grace's now."""
    with site.write_sessions.begin() as db:
        grace = db.scalars(select(Account.id).where(Account.login == "grace")).one()
        db.get_one(LabSession, lab_session).teacher_id = grace


def test_each_page_opens_for_its_teacher_and_is_not_there_for_another(
    tom: CheckingClient, site: Site, lab_session: UUID
) -> None:
    asked = [address(site, lab_session, path) for path in GETS]
    assert {tom.get(path).status_code for path in asked} == {200}
    give_away(site, lab_session)
    assert {tom.get(path).status_code for path in asked} == {404}


def test_nothing_is_done_to_the_class_of_another_teacher(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    give_away(site, lab_session)
    before = row(site, lab_session)
    fields = {"minutes": "15", "step": "touch", "text": "x", "locked": "yes", "machine": "server", "kind": "serial"}
    assert {tom.send(address(site, lab_session, path), fields).status_code for path in POSTS} == {404}
    assert (row(site, lab_session).state, row(site, lab_session).revision) == (before.state, before.revision)


def test_who_does_not_teach_and_who_is_not_logged_in_may_not(
    client: CheckingClient, site: Site, lab_session: UUID
) -> None:
    asked = [address(site, lab_session, path) for path in POSTS]
    assert [path for path in asked if not str(client.send(path).location).startswith("/login")] == []
    client.log_in("ada")
    assert {client.send(path).status_code for path in asked} == {403}


def test_reading_changes_nothing(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    asked = [address(site, lab_session, path) for path in POSTS if path not in ("end", "reset")]
    assert {tom.get(path).status_code for path in asked} == {405}


def test_a_form_without_its_token_is_refused(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    before = row(site, lab_session).revision
    assert {tom.post(address(site, lab_session, path)).status_code for path in POSTS} == {400}
    assert row(site, lab_session).revision == before


def test_a_student_who_is_not_in_the_class_is_not_there(tom: CheckingClient, lab_session: UUID) -> None:
    asked = [path.format(student=uuid4()) for path in POSTS if "student" in path]
    assert {tom.send(f"/classes/{lab_session}/{path}").status_code for path in asked} == {404}


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("prolong", {"minutes": "soon"}, "Choose 1 to 120 minutes."),
        ("prolong", {"minutes": "500"}, "Choose 1 to 120 minutes."),
        ("notice", {"text": "x" * 501}, "At most 500 characters."),
        ("prepare", {}, "are being prepared already, or it is over."),
        ("open", {}, "This class cannot begin now"),
    ],
)
def test_what_cannot_be_done_is_said_on_the_board(
    tom: CheckingClient, site: Site, lab_session: UUID, path: str, fields: dict[str, str], said: str
) -> None:
    before = row(site, lab_session)
    assert said in tom.send(address(site, lab_session, path), fields, follow_redirects=True).text
    assert (row(site, lab_session).ends_at, row(site, lab_session).revision) == (before.ends_at, before.revision)


# what the buttons do


def test_the_class_begins_and_ends_by_two_buttons(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    change(site, lab_session, lambda one: setattr(one, "state", State.READY))
    assert "Begin the class" in tom.get(f"/classes/{lab_session}").text
    tom.send(f"/classes/{lab_session}/open")
    assert row(site, lab_session).state == State.RUNNING
    assert f'action="/classes/{lab_session}/end"' in tom.get(f"/classes/{lab_session}/end").text
    tom.send(f"/classes/{lab_session}/end")
    assert row(site, lab_session).state == State.ENDED


def test_a_booked_class_is_prepared_before_its_time(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    change(site, lab_session, lambda one: setattr(one, "state", State.BOOKED))
    tom.send(f"/classes/{lab_session}/prepare")
    assert row(site, lab_session).state == State.PREPARING
    assert site.queue.enqueued[-1][0] == "prepare_class"  # type: ignore[attr-defined]


def test_the_machines_are_locked_and_let_go(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    for answer, locked in (("yes", True), ("no", False)):
        tom.send(f"/classes/{lab_session}/lock", {"locked": answer})
        assert row(site, lab_session).locked is locked


def test_a_message_stands_on_the_board_and_goes(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    assert "Everybody sees" in tom.send(f"/classes/{lab_session}/notice", {"text": "<b>"}, follow_redirects=True).text
    assert row(site, lab_session).notice == "<b>"
    tom.send(f"/classes/{lab_session}/notice", {"text": ""})
    assert row(site, lab_session).notice == ""


@pytest.mark.parametrize(("asked", "made"), [("?seat=2", {2}), ("", {1, 2})])
def test_one_seat_or_all_begin_again(
    tom: CheckingClient, site: Site, lab_session: UUID, asked: str, made: set[int]
) -> None:
    assert f'action="/classes/{lab_session}/reset{asked}"' in tom.get(f"/classes/{lab_session}/reset{asked}").text
    tom.send(f"/classes/{lab_session}/reset{asked}")
    with site.sessions() as db:
        assert {seat.number for seat in db.query(Seat) if seat.state == SeatState.BUILDING} == made


def test_one_seat_begins_again_at_any_step_that_its_teacher_chooses(
    tom: CheckingClient, site: Site, lab_session: UUID
) -> None:
    assert 'name="step" value="done"' in tom.get(f"/classes/{lab_session}/reset?seat=1").text
    assert 'name="step"' not in tom.get(f"/classes/{lab_session}/reset").text
    tom.send(f"/classes/{lab_session}/reset?seat=1", {"step": "done"})
    with site.sessions() as db:
        assert [seat.begin_at_step for seat in db.query(Seat).order_by(Seat.number)] == ["done", ""]
    assert tom.send(f"/classes/{lab_session}/reset?seat=2", {"step": "nonsense"}).status_code == 404


def test_there_is_no_seat_ninety_nine(tom: CheckingClient, lab_session: UUID) -> None:
    assert tom.get(f"/classes/{lab_session}/reset?seat=99").status_code == 404
    assert tom.send(f"/classes/{lab_session}/reset?seat=99").status_code == 404
    assert tom.get(f"/classes/{lab_session}/seats/99/server/screen").status_code == 404


def test_everybody_is_brought_to_the_chosen_step(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    tom.send(f"/classes/{lab_session}/bring", {"step": "touch"})
    assert row(site, lab_session).catch_up_step == "touch"
    assert [entry[0] for entry in site.queue.enqueued] == ["bring_seat", "bring_seat"]  # type: ignore[attr-defined]
    assert tom.send(f"/classes/{lab_session}/bring", {"step": "nonsense"}).status_code == 404


def test_a_hand_is_shown_and_lowered(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    with site.write_sessions.begin() as db:
        students.raise_hand(db, db.get_one(Student, maria(site).id), "<i>Where?", NOW)
    assert "&lt;i&gt;Where?" in tom.get(f"/classes/{lab_session}/board").text
    tom.send(address(site, lab_session, "students/{student}/hand"))
    assert maria(site).hand_at is None


def test_a_step_is_confirmed(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    tom.send(address(site, lab_session, "students/{student}/steps/touch"))
    with site.sessions() as db:
        assert db.get_one(StepResult, (maria(site).id, "touch")).passed_at == NOW
    assert tom.send(address(site, lab_session, "students/{student}/steps/nonsense")).status_code == 404


def test_a_new_link_is_shown_once_and_opens_the_seat(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    text = tom.send(address(site, lab_session, "students/{student}/key")).text
    (key,) = set(re.findall(r"#([\w-]{40,})", text))
    with site.sessions() as db:
        student = students.student_of(db, key)
    assert student is not None
    assert student.name == "María"
    assert key not in tom.get(f"/classes/{lab_session}").text


def test_the_class_has_a_page_in_every_state(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    for state in State:
        change(site, lab_session, lambda one, state=state: setattr(one, "state", state))  # type: ignore[misc]
        assert tom.get(f"/classes/{lab_session}").status_code == 200
        assert tom.get(f"/classes/{lab_session}/board").status_code == 200


# what costs nothing


def test_a_board_that_shows_the_newest_state_is_not_sent_again(
    tom: CheckingClient, site: Site, lab_session: UUID
) -> None:
    (seen,) = re.findall(r'hx-get="([^"]+seen=[^"]+)"', tom.get(f"/classes/{lab_session}/board").text)
    same = tom.get(seen)
    assert (same.status_code, same.text) == (204, "")
    with site.write_sessions.begin() as db:
        students.raise_hand(db, db.get_one(Student, maria(site).id), "", NOW)
    assert tom.get(seen).status_code == 200


def test_a_class_page_with_many_students_asks_no_more(
    tom: CheckingClient, site: Site, people: People, lab_session: UUID
) -> None:
    def asked(path: str) -> int:
        tom.get(f"/classes/{lab_session}{path}")
        with counted(site.sessions.kw["bind"]) as said:
            assert tom.get(f"/classes/{lab_session}{path}").status_code == 200
        return len(said)

    few = [asked(path) for path in ("", "/board", "/wall")]
    with site.write_sessions.begin() as db:
        one = db.get_one(LabSession, lab_session)
        host_id = db.query(Seat).first().host_id  # type: ignore[union-attr]
        for number in range(3, 21):
            student = make_student(db, one, f"Student {number}")
            make_seat(db, one, number=number, student=student, host_id=host_id)
    assert [asked(path) for path in ("", "/board", "/wall")] == few
    assert max(few) <= 20


# the signs of seats


def seats_amiss(site: Site, lab_session: UUID, state: LabSessionState, *, more: int = 0) -> None:
    """Seat 1 was replaced, seat 2 lost its network, seat 3 does not answer; `more` are as they should be."""
    with site.write_sessions.begin() as db:
        one = db.get_one(LabSession, lab_session)
        one.state, one.starts_at = state, NOW + timedelta(minutes=12)
        first, second = db.query(Seat).order_by(Seat.number).limit(2)
        first.student_id, first.state, first.replaced_at, first.cloned_at = None, SeatState.REPLACED, NOW, NOW
        first.ready_at, first.trouble, first.trouble_params = None, WITHOUT[Sign.RUNNING], {"machine": "client"}
        second.network_at, second.lacks = NOW, {"network": ["server"]}
        late = {"state": SeatState.BUILDING, "ready_at": None, "lacks": {"answers": ["server"]}, "running_at": NOW}
        make_seat(db, one, number=3, **late)
        for number in range(4, 4 + more):
            make_seat(db, one, number=number)


def rows_shown(text: str) -> list[tuple[int, str]]:
    """Each seat's number with what stands below it."""
    found = re.findall(r'<tbody[^>]*>\s*<tr><th scope="row">(\d+)</th>(.*?)</tbody>', text, re.DOTALL)
    return [(int(number), " ".join(re.sub(r"<[^>]+>", " ", rest).split())) for number, rest in found]


def test_before_the_class_each_seat_shows_its_signs_and_why_it_waits(
    tom: CheckingClient, site: Site, lab_session: UUID
) -> None:
    seats_amiss(site, lab_session, State.PREPARING)
    text = tom.get(f"/classes/{lab_session}").text
    assert "1 of 3 seats are ready." in text
    assert "The class begins in 12 minutes." in text
    first, second, third = (words for _, words in rows_shown(text))
    assert first.startswith("yes 10:00 failed – does not apply")
    assert "replaced at 10:00 Its machine client does not run." in first
    assert "lost 10:00" in second
    assert second.endswith("Its machine server does not answer in its network.")
    assert "not yet" in third
    assert third.endswith("Its machine server runs but does not answer.")


def test_of_many_seats_those_that_are_not_ready_can_be_seen_alone(
    tom: CheckingClient, site: Site, lab_session: UUID
) -> None:
    seats_amiss(site, lab_session, State.PREPARING, more=8)
    everything = tom.get(f"/classes/{lab_session}").text
    assert [number for number, _ in rows_shown(everything)] == list(range(1, 12))
    assert "Only what is not ready" in everything
    text = tom.get(f"/classes/{lab_session}?seats=waiting").text
    assert [number for number, _ in rows_shown(text)] == [1, 2, 3]
    (again,) = re.findall(r'hx-get="(/classes/[^"]+/board[^"]+)"', text)
    assert "seats=waiting" in again
    fragment = tom.get(again.replace("&amp;", "&").replace("seen=", "seen=x")).text
    assert [number for number, _ in rows_shown(fragment)] == [1, 2, 3]


def test_while_the_class_goes_on_only_what_is_amiss_is_shown(
    tom: CheckingClient, site: Site, lab_session: UUID
) -> None:
    seats_amiss(site, lab_session, State.RUNNING, more=2)
    assert [number for number, _ in rows_shown(tom.get(f"/classes/{lab_session}").text)] == [2]
    every = tom.get(f"/classes/{lab_session}?seats=all").text
    assert [number for number, _ in rows_shown(every)] == [1, 2, 3, 4, 5]


def test_seats_on_a_silent_host_are_named_as_such(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    with site.write_sessions.begin() as db:
        host = db.query(Host).filter(Host.id == db.query(Seat).first().host_id).one()  # type: ignore[union-attr]
        host.trouble = f"The host {host.name} does not answer."
        name = host.name
    shown = rows_shown(tom.get(f"/classes/{lab_session}").text)
    assert shown
    assert all(words.endswith(f"The host {name} does not answer.") for _, words in shown)


def test_the_minutes_to_the_hour_are_news(
    tom: CheckingClient, site: Site, lab_session: UUID, clock: FixedClock
) -> None:
    seats_amiss(site, lab_session, State.READY)
    (again,) = re.findall(r'hx-get="(/classes/[^"]+/board[^"]+)"', tom.get(f"/classes/{lab_session}").text)
    assert tom.get(again.replace("&amp;", "&")).status_code == 204
    clock.at += timedelta(minutes=1)
    assert "in 11 minutes" in tom.get(again.replace("&amp;", "&")).text
