"""Keeping a seat in the browser: the student asks, the board decides, the room stays, and who may not sees nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest

from portal.core.lifecycle import KeepingState, LabSessionState, SeatState
from portal.models import Account, Keeping, LabSession, Seat, SeatMachine, Student
from portal.services import kept_seats, teaching
from portal.services.login_sessions import hash_of
from portal.site import Site
from tests.factories import make_host, make_lab_session
from tests.factories.moments import NOW
from tests.web.conftest import CheckingClient, FixedClock

HTMX = {"HX-Request": "true"}
ENDS_AT = NOW + timedelta(minutes=55)


@pytest.fixture
def maria(joined: CheckingClient, site: Site) -> CheckingClient:
    joined.set_cookie("vivero_language", "en")
    with site.write_sessions.begin() as db:
        for number in (3, 4, 5):
            make_host(db, f"hv{number}")
    return joined


def keeping(site: Site) -> Keeping:
    with site.sessions() as db:
        return db.query(Keeping).one()


def teach(client: CheckingClient) -> CheckingClient:
    client.log_in("tom")
    client.set_cookie("vivero_language", "en")
    return client


def there(site: Site, lab_session: UUID, what: str) -> str:
    return f"/classes/{lab_session}/keepings/{keeping(site).id}/{what}"


def end(site: Site, lab_session: UUID) -> None:
    with site.write_sessions.begin() as db:
        row = db.get_one(LabSession, lab_session)
        teaching.end_class(db, actor=None, lab_session=row, queue=site.queue, now=NOW)


def kept(site: Site, lab_session: UUID, maria: CheckingClient, *, days: int = 7) -> None:
    maria.send("/class/keep", {"words": "for the <b>exam</b>"})
    with site.write_sessions.begin() as db:
        row = db.query(Keeping).one()
        row.move_to(KeepingState.GRANTED)
        row.until_at = ENDS_AT + timedelta(days=days)
    end(site, lab_session)


def test_a_student_asks_and_takes_it_back(maria: CheckingClient, site: Site) -> None:
    assert "Keep my work" in maria.get("/class").text
    assert maria.send("/class/keep", {"words": "for the exam"}).location == "/class"
    assert (keeping(site).state, keeping(site).words) == (KeepingState.ASKED, "for the exam")
    assert "Your teacher decides before the class ends" in maria.get("/class").text
    answer = maria.send("/class/keep/withdraw", headers=HTMX, check=False)
    assert answer.text.strip().startswith('<div id="keeping"')
    assert "Keep my work" in answer.text


def test_a_whole_novel_is_refused(maria: CheckingClient) -> None:
    assert maria.send("/class/keep", {"words": "x" * 301}).status_code == 422


def test_the_board_shows_who_asks_and_the_student_reads_the_answer(
    maria: CheckingClient, site: Site, lab_session: UUID
) -> None:
    maria.send("/class/keep", {"words": "for the <b>exam</b>"})
    mark = maria.get("/class/status?mark=x").headers.get("HX-Refresh")
    tom = teach(maria)
    board = tom.get(f"/classes/{lab_session}").text
    assert "María" in board
    assert "for the &lt;b&gt;exam&lt;/b&gt;" in board
    assert '<option value="7" selected>' in board
    assert "has no answer yet" in tom.get(f"/classes/{lab_session}/end").text
    tom.send(there(site, lab_session, "grant"), {"days": 3})
    assert keeping(site).until_at == ENDS_AT + timedelta(days=3)
    assert "1 seat is kept" in tom.get(f"/classes/{lab_session}/end").text
    assert "After the class your machines stay until" in maria.get("/class").text
    tom.send(there(site, lab_session, "decline"))
    assert "Your teacher does not keep your machines" in maria.get("/class").text
    assert mark == "true"


def test_the_answer_comes_to_the_page_by_itself(maria: CheckingClient, site: Site) -> None:
    maria.send("/class/keep")
    (mark,) = re.findall(r"status\?mark=([0-9a-f.]+)", maria.get("/class").text)
    assert maria.get(f"/class/status?mark={mark}").status_code == 204
    with site.write_sessions.begin() as db:
        db.query(Keeping).one().move_to(KeepingState.DECLINED)
    assert 'id="keeping"' in maria.get(f"/class/status?mark={mark}", check=False).text


@pytest.mark.parametrize("days", ["0", "15", "x", ""])
def test_days_that_make_no_sense_are_refused_on_the_board(
    maria: CheckingClient, site: Site, lab_session: UUID, days: str
) -> None:
    maria.send("/class/keep")
    tom = teach(maria)
    said = tom.send(there(site, lab_session, "grant"), {"days": days}, follow_redirects=True).text
    assert "Choose 1 to 14 days." in said


def test_if_it_does_not_fit_the_board_says_what_is_missing_and_how_long_fits(
    maria: CheckingClient, site: Site, lab_session: UUID
) -> None:
    maria.send("/class/keep")
    with site.write_sessions.begin() as db:
        tom_id = db.get_one(LabSession, lab_session).teacher_id
        starts_at = NOW + timedelta(days=4)
        make_lab_session(
            db, teacher=db.get_one(Account, tom_id), starts_at=starts_at, ends_at=starts_at + timedelta(hours=1),
            state=LabSessionState.BOOKED, seats=40, spares=4, seat_memory_mib=64 * 1024, prepare_at=starts_at,
        )  # fmt: skip
    tom = teach(maria)
    said = tom.send(there(site, lab_session, "grant"), {"days": 7}, follow_redirects=True).text
    assert "This seat cannot be kept for so long." in said
    assert "Days that fit: 3." in said
    assert keeping(site).state == KeepingState.ASKED


def test_a_kept_room_has_guide_and_machines_and_nothing_of_the_class(
    maria: CheckingClient, site: Site, lab_session: UUID
) -> None:
    kept(site, lab_session, maria)
    page = maria.get("/class").text
    assert 'id="guide"' in page
    assert 'data-place="server-serial"' in page
    assert "your machines stay until" in page
    assert 'action="/class/hand"' not in page
    assert "/class/again" not in page
    assert maria.send("/class/hand").status_code == 409
    assert maria.send("/class/again", {"step": "look"}).status_code == 409
    assert maria.send("/class/console-ticket", {"machine": "server", "kind": "serial"}).status_code == 200
    assert maria.get("/class/status?mark=x").headers["HX-Refresh"] == "true"


def test_the_cookie_lives_as_long_as_the_seat(maria: CheckingClient, site: Site, lab_session: UUID) -> None:
    kept(site, lab_session, maria)
    (cookie,) = [one for one in maria.get("/class").headers.getlist("Set-Cookie") if one.startswith("vivero_seat=")]
    assert f"Max-Age={7 * 86400 + 55 * 60}" in cookie
    assert "HttpOnly" in cookie


def test_other_students_of_the_class_are_told_that_it_ended(
    maria: CheckingClient, site: Site, lab_session: UUID
) -> None:
    kept(site, lab_session, maria)
    with site.write_sessions.begin() as db:
        db.query(Student).where(Student.name == "Noor").one().key_hash = hash_of("the key of Noor")
    maria.set_cookie("vivero_seat", "the key of Noor")
    assert maria.get("/class").location == "/class/ended"


def test_a_key_of_a_kept_seat_opens_nothing_of_the_board(maria: CheckingClient, site: Site, lab_session: UUID) -> None:
    kept(site, lab_session, maria)
    for path in ("", "/board", "/wall", "/seats/1/server/screen"):
        assert maria.get(f"/classes/{lab_session}{path}").location.startswith("/login")


def test_the_day_before_the_room_warns(maria: CheckingClient, site: Site, lab_session: UUID, clock: FixedClock) -> None:
    kept(site, lab_session, maria)
    assert "are deleted on" not in maria.get("/class").text
    clock.at = ENDS_AT + timedelta(days=6, hours=1)
    assert "Your machines are deleted on" in maria.get("/class").text


def test_its_student_gives_it_back(maria: CheckingClient, site: Site, lab_session: UUID) -> None:
    kept(site, lab_session, maria)
    assert 'action="/class/keep/give-back"' in maria.get("/class/keep/give-back").text
    maria.send("/class/keep/give-back")
    assert site.queue.enqueued[-1][0] == "end_keeping"  # type: ignore[attr-defined]
    assert maria.get("/class").location == "/class/ended"
    assert "were kept until" in maria.get("/class/ended").text


def test_who_teaches_sees_kept_seats_after_the_class_prolongs_and_ends_them(
    maria: CheckingClient, site: Site, lab_session: UUID
) -> None:
    kept(site, lab_session, maria)
    tom = teach(maria)
    page = tom.get(f"/classes/{lab_session}").text
    assert "Kept seats" in page
    tom.send(there(site, lab_session, "prolong"), {"days": 9})
    assert keeping(site).until_at == ENDS_AT + timedelta(days=9)
    assert f'action="{there(site, lab_session, "end")}"' in tom.get(there(site, lab_session, "end")).text
    tom.send(there(site, lab_session, "end"))
    assert keeping(site).state == KeepingState.OVER
    assert "is being taken away" in tom.get(f"/classes/{lab_session}").text


def test_who_teaches_looks_on_and_takes_over_at_a_kept_seat(
    maria: CheckingClient, site: Site, lab_session: UUID
) -> None:
    kept(site, lab_session, maria)
    with site.sessions() as db:
        number = db.query(Seat).where(Seat.state == SeatState.KEPT).one().number
    seat, wish = f"/classes/{lab_session}/seats/{number}", {"machine": "server", "kind": "serial"}
    tom = teach(maria)
    assert f'href="{seat}/server/console"' in tom.get(f"/classes/{lab_session}").text
    assert f"{seat}/console-ticket?take=yes" in tom.get(f"{seat}/server/console?take=yes").text
    assert tom.send(f"{seat}/console-ticket", wish).get_json()["url"] == "/live/console"
    tom.send(there(site, lab_session, "end"))
    assert tom.send(f"{seat}/console-ticket", wish).status_code == 409


def test_a_new_link_of_a_kept_seat_opens_it(maria: CheckingClient, site: Site, lab_session: UUID) -> None:
    kept(site, lab_session, maria)
    tom = teach(maria)
    page = tom.send(f"/classes/{lab_session}/students/{keeping(site).student_id}/key").text
    assert "/join/back#" in page


@pytest.mark.parametrize("what", ["grant", "decline", "prolong", "end"])
def test_the_class_of_another_teacher_has_no_such_question(
    maria: CheckingClient, site: Site, lab_session: UUID, what: str
) -> None:
    maria.send("/class/keep")
    path = there(site, lab_session, what)
    with site.write_sessions.begin() as db:
        grace = db.query(Account).where(Account.login == "grace").one()
        db.get_one(LabSession, lab_session).teacher_id = grace.id
    tom = teach(maria)
    assert tom.send(path, {"days": 3}).status_code == 404
    assert keeping(site).state == KeepingState.ASKED


def test_a_question_of_another_class_is_not_there(maria: CheckingClient, site: Site, lab_session: UUID) -> None:
    maria.send("/class/keep")
    with site.write_sessions.begin() as db:
        teacher = db.get_one(Account, db.get_one(LabSession, lab_session).teacher_id)
        other = make_lab_session(db, teacher=teacher).id
    tom = teach(maria)
    assert tom.send(there(site, other, "grant"), {"days": 3}).status_code == 404


def test_who_got_no_answer_reads_it_at_the_end(maria: CheckingClient, site: Site, lab_session: UUID) -> None:
    maria.send("/class/keep")
    end(site, lab_session)
    assert maria.get("/class").location == "/class/ended"
    assert kept_seats.NOT_ANSWERED in maria.get("/class/ended").text


def test_a_seat_without_machines_says_so(maria: CheckingClient, site: Site, lab_session: UUID) -> None:
    kept(site, lab_session, maria)
    with site.write_sessions.begin() as db:
        seat = db.query(Seat).where(Seat.state == SeatState.KEPT).one()
        seat.trouble = "They were off."
        assert db.query(SeatMachine).where(SeatMachine.seat_id == seat.id).count() == 2
    assert "They were off." in maria.get("/class").text
    maria.send("/class/understood")
    assert "They were off." not in maria.get("/class").text
