"""The way to a seat's doors: for its student and its teacher, and nobody else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from portal.core.labs import LabDoor
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.plain_data import to_plain
from portal.core.templates import Words
from portal.models import ConsoleTicket, LabSession, LabVersion, Seat, Student
from portal.services.consoles import hash_of
from portal.site import Site
from tests.web.conftest import CheckingClient

DOOR = LabDoor("page", Words("La página", "The page"), "server", 80)


@pytest.fixture
def lab_session(site: Site, lab_session: UUID) -> UUID:
    """The same class, of a lab with a door."""
    with site.write_sessions.begin() as db:
        version = db.get_one(LabVersion, db.get_one(LabSession, lab_session).lab_version_id)
        version.spec = {**version.spec, "doors": [to_plain(DOOR)]}
    return lab_session


def number_of(site: Site, name: str) -> int:
    with site.sessions() as db:
        return db.query(Seat).join(Student, Student.id == Seat.student_id).where(Student.name == name).one().number


def test_a_student_is_led_to_the_origin_of_their_own_door(joined: CheckingClient, site: Site) -> None:
    answer = joined.get("/class/doors/page")
    assert answer.status_code == 303
    place = urlsplit(answer.location)
    assert (place.scheme, place.path) == ("http", "/.vivero/enter")
    assert place.hostname is not None
    assert place.hostname.startswith("seat-")
    assert place.hostname.endswith(".localhost")
    with site.sessions() as db:
        ticket = db.query(ConsoleTicket).one()
        assert (ticket.kind, ticket.burnt_at) == ("door", None)
        assert ticket.ticket_hash == hash_of(parse_qs(place.query)["ticket"][0])
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_door_that_the_lab_does_not_have_is_not_there(joined: CheckingClient) -> None:
    assert joined.get("/class/doors/cellar").status_code == 404


@pytest.mark.parametrize("change", ["locked", "building", "not yet"])
def test_a_door_that_is_closed_now_says_why(joined: CheckingClient, site: Site, lab_session: UUID, change: str) -> None:
    with site.write_sessions.begin() as db:
        row = db.get_one(LabSession, lab_session)
        row.locked = change == "locked"
        row.state = LabSessionState.PREPARING if change == "not yet" else row.state
        for seat in db.query(Seat).where(Seat.student_id.is_not(None)):
            seat.state = SeatState.BUILDING if change == "building" else seat.state
    assert joined.get("/class/doors/page").status_code == 409


def test_who_joined_no_class_is_asked_for_its_code(client: CheckingClient, lab_session: UUID) -> None:
    assert client.get("/class/doors/page").location == "/join"


def test_the_teacher_opens_the_doors_of_every_seat(client: CheckingClient, site: Site, lab_session: UUID) -> None:
    client.log_in("tom")
    addresses = {
        urlsplit(client.get(f"/classes/{lab_session}/seats/{number_of(site, name)}/doors/page").location).hostname
        for name in ("María", "Noor")
    }
    assert len(addresses) == 2
    assert None not in addresses
    assert client.get(f"/classes/{lab_session}/seats/99/doors/page").status_code == 404
    assert client.get(f"/classes/{uuid4()}/seats/1/doors/page").status_code == 404


def test_others_open_no_doors_of_this_class(ada: CheckingClient, lab_session: UUID) -> None:
    assert ada.get(f"/classes/{lab_session}/seats/1/doors/page").status_code in {403, 404}
