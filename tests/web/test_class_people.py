"""Lists of people on the pages: pasted or as a file, links shown once, and who opens one is that person."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import pytest
from apiflask import APIFlask
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabSessionState
from portal.models import Account, Invitation, LabSession, Mail, Student
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories.cluster import make_host
from tests.factories.lab_sessions import make_taught_lab
from tests.web.browsing import log_in
from tests.web.conftest import CheckingClient, People
from tests.web.test_in_browser import SIZES, refusals
from tests.web.test_lab_sessions import ANSWERS

LINK = re.compile(r"http://localhost(/join/back)#([\w-]{43})<")


@pytest.fixture
def tom(client: CheckingClient, lab_session: UUID) -> CheckingClient:
    client.set_cookie("vivero_language", "en")
    return client.log_in("tom")


@pytest.fixture
def room(site: Site, people: People) -> None:
    with site.write_sessions.begin() as db:
        make_taught_lab(db)
        for number in (1, 2, 3):
            make_host(db, f"hv{number}", address=f"10.77.0.1{number}")


def names(db: Session) -> list[str]:
    return sorted(db.scalars(select(Invitation.name).where(Invitation.revoked_at.is_(None))))


def test_links_of_a_booking_are_shown_once_and_are_no_formulas_in_the_table(
    client: CheckingClient, room: None, db: Session
) -> None:
    client.log_in("tom")
    answer = client.send(
        "/classes/new", {**ANSWERS, "people": "Ana;ana@example.org\n=HYPERLINK(1)\n<script>x</script>"}
    )
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert len(LINK.findall(answer.text)) == 3
    assert "<script>x" not in answer.text
    (address,) = re.findall(r'href="data:text/csv;charset=utf-8,([^"]*)"', answer.text)
    table = list(csv.reader(io.StringIO(unquote(unescape(address)).lstrip("\ufeff"))))
    assert sorted(row[0] for row in table[1:]) == ["'=HYPERLINK(1)", "<script>x</script>", "Ana"]
    assert table[1][3].startswith("http://localhost/join/back#")
    assert [mail.receiver for mail in db.scalars(select(Mail))] == ["ana@example.org"]
    assert "/join/back#" not in client.get(f"/classes/{db.scalars(select(LabSession.id)).one()}/people").text


def test_who_opens_a_link_is_that_person(app: APIFlask, tom: CheckingClient, lab_session: UUID, db: Session) -> None:
    ((path, key),) = LINK.findall(tom.send(f"/classes/{lab_session}/people", {"people": "Lucía"}).text)
    student = app.test_client()
    assert isinstance(student, CheckingClient)
    assert student.get(path).status_code == 200
    assert student.send(path, {"key": key}).location == "/class"
    assert "Lucía" in student.get("/join").text
    assert db.scalars(select(Student.name).where(Student.name == "Lucía")).all() == ["Lucía"]


def test_a_link_of_a_class_that_is_far_off_says_when_it_begins(client: CheckingClient, room: None, db: Session) -> None:
    client.set_cookie("vivero_language", "en")
    client.log_in("tom")
    ((path, key),) = LINK.findall(client.send("/classes/new", {**ANSWERS, "people": "Ana"}).text)
    answer = client.send(path, {"key": key})
    assert answer.status_code == 422
    assert "The class begins at" in answer.text
    assert db.scalars(select(Student)).all() == []


def test_a_file_comes_into_the_text_and_its_mistakes_stand_beside_it(
    tom: CheckingClient, lab_session: UUID, db: Session
) -> None:
    file = (io.BytesIO("Nombre;Correo\nBegoña;b@example.org\n;x@example.org\n".encode("cp1252")), "list.csv")
    answer = tom.send(f"/classes/{lab_session}/people", {"people": "Ana", "people_file": file})
    assert answer.status_code == 422
    assert 'id="people-error"' in answer.text
    assert "Begoña;b@example.org" in answer.text
    assert names(db) == []


BAD_LISTS = {
    "as many as there are": "\n".join(f"Student {number}" for number in range(41)),
    "twice": "Ana\nana",
    "there already": "maría",
    "no address": "Ana, ana",
    "nobody": "",
    "too long": "x" * 70_000,
    "invisible": "Ana\u202e",
}


@pytest.mark.parametrize("text", BAD_LISTS.values(), ids=BAD_LISTS)
def test_a_bad_list_is_told_beside_the_field_and_kept(
    tom: CheckingClient, lab_session: UUID, db: Session, text: str
) -> None:
    answer = tom.send(f"/classes/{lab_session}/people", {"people": text})
    assert answer.status_code == 422
    assert 'id="people-error"' in answer.text
    assert text[-100:] in unescape(answer.text)
    assert names(db) == []


@pytest.mark.parametrize("content", [b"\x00\x01\x7fELF" * 20, b"Ana\n" * 20_000, b"\xff\xfe" + b"\x00" * 9])
def test_a_file_that_is_no_list_is_refused_beside_its_field(
    tom: CheckingClient, lab_session: UUID, db: Session, content: bytes
) -> None:
    answer = tom.send(f"/classes/{lab_session}/people", {"people_file": (io.BytesIO(content), "list.csv")})
    assert answer.status_code == 422
    assert 'id="people_file-error"' in answer.text
    assert names(db) == []


def test_ten_megabytes_are_not_read(tom: CheckingClient, lab_session: UUID, db: Session) -> None:
    form = "application/x-www-form-urlencoded"
    assert (
        tom.post(f"/classes/{lab_session}/people", data=b"people=" + b"x" * 10_000_000, content_type=form).status_code
        == 413
    )
    assert names(db) == []


def test_more_people_than_seats_book_nothing_and_lose_nothing(client: CheckingClient, room: None, db: Session) -> None:
    client.log_in("tom")
    answer = client.send("/classes/new", {**ANSWERS, "seats": "1", "people": "Ana\nBea", "only_listed": "y"})
    assert answer.status_code == 422
    assert 'id="people-error"' in answer.text
    assert "Ana\nBea" in answer.text
    assert re.search(r'<input[^>]*checked[^>]*name="only_listed"', answer.text)
    assert 'id="people-error"' in client.send("/classes/new", {**ANSWERS, "only_listed": "y"}).text
    assert db.scalars(select(LabSession)).all() == []


def test_an_offered_time_keeps_the_list_out_of_the_address(client: CheckingClient, room: None, db: Session) -> None:
    client.log_in("tom")
    client.send("/classes/new", ANSWERS)
    refused = client.send("/classes/new", {**ANSWERS, "people": "Ana"})
    assert refused.status_code == 409
    assert not re.findall(r'href="/classes/new\?', refused.text)
    offer = unescape(re.findall(r'name="instead" value="([^"]*)"', refused.text)[0])
    page = client.send("/classes/new", {**ANSWERS, "people": "Ana", "instead": offer}).text
    assert 'value="08:15"' in page
    assert "Ana</textarea>" in page
    assert len(db.scalars(select(LabSession.id)).all()) == 1


def test_links_are_renewed_and_ended(tom: CheckingClient, lab_session: UUID, db: Session) -> None:
    tom.send(f"/classes/{lab_session}/people", {"people": "Lucía"})
    invitation_id = db.scalars(select(Invitation.id)).one()
    db.rollback()
    assert tom.send(f"/classes/{lab_session}/people/links", {"invitation": "x"}).status_code in (303, 404)
    for data in ({}, {"invitation": str(invitation_id)}):
        assert len(LINK.findall(tom.send(f"/classes/{lab_session}/people/links", data).text)) == 1
    assert tom.send(f"/classes/{lab_session}/people/{invitation_id}/revoke").status_code == 303
    assert names(db) == []


def test_only_people_on_the_list_come_in(app: APIFlask, tom: CheckingClient, lab_session: UUID) -> None:
    assert tom.send(f"/classes/{lab_session}/people/only", {"only": "yes"}).status_code == 303
    assert "the code opens nothing" in tom.get(f"/classes/{lab_session}").text
    stranger = app.test_client()
    assert isinstance(stranger, CheckingClient)
    assert stranger.send("/join", {"code": "K7M4QP", "name": "Eve"}).status_code == 422
    tom.send(f"/classes/{lab_session}/people/only", {"only": "no"})
    assert stranger.send("/join", {"code": "K7M4QP", "name": "Eve"}).status_code == 303


def test_nobody_else_sees_or_changes_the_list(client: CheckingClient, lab_session: UUID, site: Site) -> None:
    path = f"/classes/{lab_session}/people"
    assert client.get(path).status_code == 303
    assert client.post(path, data={"people": "Eve"}).status_code == 303
    client.log_in("ada")
    assert client.get(path).status_code == 403
    with site.write_sessions.begin() as db:
        grace = db.scalars(select(Account.id).where(Account.login == "grace")).one()
        db.get_one(LabSession, lab_session).teacher_id = grace
    client.log_in("tom")
    assert client.get(path).status_code == 404
    assert client.send(path, {"people": "Eve"}).status_code == 404
    assert client.send(f"{path}/links").status_code == 404
    assert client.get(f"{path}/links").status_code == 405
    assert client.post(path, data={"people": "Eve"}).status_code in (303, 400)


def test_a_class_that_is_over_takes_nobody(tom: CheckingClient, lab_session: UUID, site: Site) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(LabSession, lab_session).state = LabSessionState.ENDED
    assert "<textarea" not in tom.get(f"/classes/{lab_session}/people").text
    assert tom.send(f"/classes/{lab_session}/people", {"people": "Ana"}).status_code == 409


@pytest.mark.browser
def test_the_pages_of_the_list_are_accessible_and_loading_again_books_nothing(
    page: Page, address: str, lab_session: UUID
) -> None:
    heard = refusals(page)
    log_in(page, address, "tom")
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(f"{address}/classes/{lab_session}/people")
        page.fill("#people", f"Lucía {size['width']}; lucia@example.org" if size["width"] == SIZES[0]["width"] else "")
        page.click("form[enctype] button[type=submit]")
        check_accessibility(page)
        check_width(page)
    page.goto(f"{address}/classes/{lab_session}/people")
    check_accessibility(page)
    check_width(page)
    page.locator("form[action$='/people/links'] button").first.click()
    with page.expect_download() as download:
        page.locator("a[download]").click()
    assert "Lucía" in Path(download.value.path()).read_text()
    page.wait_for_url(f"{address}/classes/{lab_session}")
    page.reload()
    assert page.url == f"{address}/classes/{lab_session}"
    assert heard == []
