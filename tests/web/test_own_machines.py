"""Asking for a machine of a kept seat as an own one, in the browser."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from portal.core.lifecycle import VmRequestState
from portal.models import Account, LabSession, OwnMachine, VmRequest
from portal.site import Site
from tests.factories import make_account
from tests.factories.cluster import make_template
from tests.factories.moments import NOW
from tests.web.conftest import CheckingClient
from tests.web.ordering import PARAMETERS
from tests.web.test_keepings import keeping, kept, maria, teach, there

__all__ = ["maria"]  # a fixture
ANSWERS = {
    "form_key": "one form",
    "purpose": "To go on with the thesis",
    "name": "own-server",
    "ends_on": (NOW + timedelta(days=40)).date().isoformat(),
    "parameter_title": "Ward",
    "parameter_password": "romero-y-pino",
    "parameter_language": "es",
    "parameter_users": "12",
}


@pytest.fixture
def tom(maria: CheckingClient, site: Site, lab_session: UUID) -> CheckingClient:
    """Tom, after his class, of which María's seat is kept."""
    with site.write_sessions.begin() as db:
        make_template(db, "dokuwiki").spec = make_template(db, "with-parameters", parameters=PARAMETERS).spec | {
            "slug": "dokuwiki"
        }
    kept(site, lab_session, maria)
    return teach(maria)


def vm_request(site: Site) -> VmRequest:
    with site.sessions() as db:
        return db.query(VmRequest).where(VmRequest.name == "own-server").one()


def test_a_teacher_asks_and_board_request_and_room_say_so(
    tom: CheckingClient, maria: CheckingClient, site: Site, lab_session: UUID
) -> None:
    assert there(site, lab_session, "own-machine") in tom.get(f"/classes/{lab_session}").text
    form = tom.get(there(site, lab_session, "own-machine")).text
    assert "shut down for the copy" in form
    assert 'name="parameter_password"' in form
    assert 'name="copies"' not in form
    sent = tom.send(there(site, lab_session, "own-machine/client"), ANSWERS)
    assert sent.location == f"/vm-requests/{vm_request(site).id}"
    assert "With the disk of “client” of seat 1 of the class “First steps”" in tom.get(sent.location).text
    board = tom.get(f"/classes/{lab_session}").text
    assert "own-server" in board
    assert "The seat stays until its disk is copied." in board
    assert "Your teacher has asked for a machine of their own with the disk of: client." in maria.get("/class").text
    refused = tom.send(there(site, lab_session, "end"), follow_redirects=True).text
    assert "cancel that request first" in refused


def in_spanish(client: CheckingClient, site: Site, login: str) -> CheckingClient:
    with site.write_sessions.begin() as db:
        db.query(Account).where(Account.login == login).one().locale = "es"
    client.log_in(login)
    client.set_cookie("vivero_language", "es")
    return client


def test_the_form_is_there_in_spanish(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    page = in_spanish(tom, site, "tom").get(there(site, lab_session, "own-machine/client")).text
    assert '<html lang="es"' in page
    assert "Servidor" in page


def test_the_approver_reads_in_spanish_whose_disk_it_is(tom: CheckingClient, site: Site, lab_session: UUID) -> None:
    tom.send(there(site, lab_session, "own-machine/server"), ANSWERS)
    page = in_spanish(tom, site, "grace").get(f"/approvals/{vm_request(site).id}").text
    assert "Primeros pasos" in page
    with site.sessions() as db:
        source = db.get_one(OwnMachine, vm_request(site).id)
        assert (source.machine.name, source.vm_request.state) == ("server", VmRequestState.SUBMITTED)


@pytest.mark.parametrize("wrong", [{"name": "A B"}, {"purpose": ""}, {"ends_on": "x"}, {"parameter_title": "small"}])
def test_what_is_wrong_is_said_on_the_form(
    tom: CheckingClient, site: Site, lab_session: UUID, wrong: dict[str, str]
) -> None:
    answer = tom.send(there(site, lab_session, "own-machine/server"), {**ANSWERS, **wrong})
    assert answer.status_code == 422
    assert "error-summary" in answer.text


def test_a_name_that_is_taken_is_said_after_the_rules_have_seen_it(
    tom: CheckingClient, site: Site, lab_session: UUID
) -> None:
    tom.send(there(site, lab_session, "own-machine/server"), ANSWERS)
    answer = tom.send(there(site, lab_session, "own-machine/client"), {**ANSWERS, "form_key": "another"})
    assert answer.status_code == 422


@pytest.mark.parametrize("what", ["own-machine", "own-machine/mainframe"])
def test_classes_of_others_and_machines_that_are_not_there_are_not_found(
    tom: CheckingClient, site: Site, lab_session: UUID, what: str
) -> None:
    if what == "own-machine":
        with site.write_sessions.begin() as db:
            db.get_one(LabSession, lab_session).teacher_id = make_account(db).id
    assert tom.get(there(site, lab_session, what)).status_code == 404


def test_a_student_has_no_such_page(maria: CheckingClient, site: Site, lab_session: UUID) -> None:
    kept(site, lab_session, maria)
    assert maria.get(f"/classes/{lab_session}/keepings/{keeping(site).id}/own-machine").location.startswith("/login")
