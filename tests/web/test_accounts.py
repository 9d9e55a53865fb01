"""People, as the administrator sees them."""

from __future__ import annotations

from portal.core.policy import Role
from portal.models import Account
from portal.site import Site
from tests.factories import make_vm
from tests.web.conftest import PASSWORD, CheckingClient, People

NEW = {"login": "nora", "name": "Nora Díaz", "email": "nora@hospital.example", "locale": "es", "password": PASSWORD}


def account(site: Site, login: str) -> Account:
    with site.sessions() as db:
        return db.query(Account).filter_by(login=login).one()


def test_the_list_shows_people_with_their_roles(alan: CheckingClient) -> None:
    text = alan.get("/accounts").text
    assert "Grace" in text
    assert "Farmacia" in text


def test_the_list_finds_people(alan: CheckingClient) -> None:
    text = alan.get("/accounts?text=grac").text
    assert "Grace" in text
    assert ">Tom<" not in text


def test_a_new_account_can_log_in(alan: CheckingClient, people: People, site: Site) -> None:
    answer = alan.send("/accounts/new", {**NEW, "grants": f"requester@{people.pharmacy}"})
    assert answer.status_code == 303
    assert [one.role for one in account(site, "nora").memberships] == [Role.REQUESTER]
    alan.send("/logout")
    alan.log_in("nora")


def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(alan: CheckingClient) -> None:
    answer = alan.send("/accounts/new", {**NEW, "login": "ada"})
    assert answer.status_code == 422
    assert "Nora Díaz" in answer.text
    assert PASSWORD not in answer.text


def test_all_that_is_wrong_with_a_new_account_is_said_at_once(alan: CheckingClient) -> None:
    answer = alan.send("/accounts/new", {**NEW, "login": "N D", "name": "", "email": "nowhere", "password": "corta"})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 4


def test_a_role_in_a_department_that_is_not_there_is_refused(alan: CheckingClient) -> None:
    assert alan.send("/accounts/new", {**NEW, "grants": "requester@nowhere"}).status_code == 422


def test_roles_are_changed(alan: CheckingClient, people: People, site: Site) -> None:
    alan.send(f"/accounts/{people.ada}/roles", {"grants": f"approver@{people.radiology}"})
    assert [one.role for one in account(site, "ada").memberships] == [Role.APPROVER]


def test_machines_that_a_person_leaves_behind_are_listed_with_them(
    alan: CheckingClient, people: People, site: Site
) -> None:
    with site.write_sessions.begin() as db:
        make_vm(db, owner=db.get_one(Account, people.ada), name="wiki-de-ada")
    assert "wiki-de-ada" not in alan.get(f"/accounts/{people.ada}").text
    alan.send(f"/accounts/{people.ada}/roles", {"grants": f"approver@{people.radiology}"})
    assert "wiki-de-ada" in alan.get(f"/accounts/{people.ada}").text


def test_nobody_becomes_administrator_and_auditor(alan: CheckingClient, people: People, site: Site) -> None:
    answer = alan.send(f"/accounts/{people.ada}/roles", {"grants": ["admin@*", "auditor@*"]})
    assert answer.status_code == 422
    assert [one.role for one in account(site, "ada").memberships] == [Role.REQUESTER]


def test_a_new_password_opens_a_locked_account(alan: CheckingClient, people: People) -> None:
    alan.send(f"/accounts/{people.ada}/password", {"password": "romero-y-tomillo-27"})
    alan.send("/logout")
    alan.log_in("ada", "romero-y-tomillo-27")


def test_a_short_password_is_refused(alan: CheckingClient, people: People) -> None:
    assert alan.send(f"/accounts/{people.ada}/password", {"password": "corta"}).status_code == 422


def test_who_is_shut_out_cannot_log_in(alan: CheckingClient, people: People) -> None:
    alan.send(f"/accounts/{people.ada}/active", {"active": "no"})
    alan.send("/logout")
    assert alan.send("/login", {"login": "ada", "password": PASSWORD}).status_code == 422


def test_administrators_do_not_shut_out_themselves(alan: CheckingClient, people: People) -> None:
    assert alan.send(f"/accounts/{people.alan}/active", {"active": "no"}).status_code == 409
