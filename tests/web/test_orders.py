"""The order form: made for its template, kept when wrong, sent once; with a panel that says what it takes."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.core.templates import OperatingSystem
from portal.models import Account, LoginSession, Membership, VmRequest
from portal.services.sealing import unseal
from portal.site import Site
from tests.factories.cluster import make_template
from tests.web.conftest import CheckingClient, People
from tests.web.ordering import answers, only_request, request_of, stock

ORDER = "/catalogue/dokuwiki/order"


@pytest.fixture(autouse=True)
def stocked(site: Site) -> None:
    stock(site)


def text_of(client: CheckingClient, address: str = ORDER) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def second_department(site: Site, people: People) -> None:
    with site.write_sessions.begin() as db:
        ada = db.get_one(Account, people.ada)
        ada.memberships.append(Membership(role=Role.REQUESTER, department_id=people.radiology))


def test_the_form_asks_for_the_templates_own_parameters(ada: CheckingClient) -> None:
    text = text_of(ada)
    for name in ("title", "password", "language", "users", "public"):
        assert f'name="parameter_{name}"' in text
    assert 'name="parameter_password" type="password"' in text.replace('" required type', '" type')


def test_a_name_is_suggested(ada: CheckingClient) -> None:
    assert 'value="dokuwiki-farmacia"' in text_of(ada)


def test_who_has_one_department_is_not_asked_for_it(ada: CheckingClient) -> None:
    assert 'name="department_id"' not in text_of(ada)


def test_who_has_several_departments_chooses(ada: CheckingClient, site: Site, people: People, db: Session) -> None:
    second_department(site, people)
    assert 'name="department_id"' in text_of(ada)
    ada.send(ORDER, answers(department_id=str(people.radiology)))
    assert only_request(db).department_id == people.radiology


def test_a_good_order_becomes_a_request_and_leads_to_it(ada: CheckingClient, db: Session) -> None:
    answer = ada.send(ORDER, answers())
    vm_request = only_request(db)
    assert (answer.status_code, answer.location) == (303, f"/vm-requests/{vm_request.id}")
    assert (vm_request.name, vm_request.copies, vm_request.ends_on) == ("ward-wiki", 1, date(2026, 6, 30))
    assert vm_request.parameters == {"title": "Ward", "language": "es", "users": 12, "public": True}


def test_a_secret_is_sealed_and_nowhere_else(ada: CheckingClient, db: Session) -> None:
    ada.send(ORDER, answers())
    vm_request = only_request(db)
    assert vm_request.sealed_parameters
    assert "romero-y-pino" not in f"{vm_request.parameters} {vm_request.sealed_parameters}"


def test_sending_twice_gives_one_request(ada: CheckingClient, db: Session) -> None:
    first, second = ada.send(ORDER, answers()), ada.send(ORDER, answers())
    assert first.location == second.location
    assert db.scalar(select(func.count()).select_from(VmRequest)) == 1


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("purpose", ""),
        ("purpose", "x" * 1001),
        ("purpose", "a wiki \0 for the ward"),
        ("size", "enormous"),
        ("name", "Not A Name!"),
        ("copies", "31"),
        ("copies", "many"),
        ("ends_on", ""),
        ("ends_on", "someday"),
        ("ends_on", "2020-01-01"),
        ("ends_on", "2040-01-01"),
        ("starts_on", "2026-02-01"),
        ("starts_on", "9999-12-31"),
        ("parameter_title", "small letter first"),
        ("parameter_password", "short"),
        ("parameter_language", "fr"),
        ("parameter_users", "51"),
    ],
)
def test_a_bad_field_says_so_beside_itself_and_keeps_the_rest(
    ada: CheckingClient, db: Session, field: str, typed: str
) -> None:
    answer = ada.send(ORDER, answers(**{field: typed}))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in text
    assert field == "name" or 'value="ward-wiki"' in text
    assert field == "purpose" or "A wiki for the ward" in text
    assert db.scalar(select(func.count()).select_from(VmRequest)) == 0


def test_all_that_is_wrong_is_said_at_once(ada: CheckingClient) -> None:
    text = ada.send(ORDER, answers(copies="31", ends_on="2020-01-01")).get_data(as_text=True)
    assert 'id="copies-error"' in text
    assert 'id="ends_on-error"' in text
    assert text.count('id="copies-error"') == 1


@pytest.mark.parametrize(
    ("wrong", "focused"),
    [
        ({"copies": "30"}, "size-0"),  # more than the quota is said beside the size
        ({"copies": "31", "ends_on": "2020-01-01"}, "copies"),
        ({"size": "enormous", "copies": "31"}, "size-0"),
        ({"ends_on": "", "parameter_title": "small letter first"}, "parameter_title"),
    ],
)
def test_the_first_wrong_field_of_the_page_gets_the_focus_without_javascript(
    ada: CheckingClient, wrong: dict[str, str], focused: str
) -> None:
    text = ada.send(ORDER, answers(**wrong)).get_data(as_text=True)
    tags = re.findall(r"<(?:input|select|textarea)[^>]* autofocus[^>]*>", text)
    assert [re.search(r' id="([^"]*)"', tag)[1] for tag in tags] == [focused]  # type: ignore[index]


def test_a_wrong_form_never_shows_the_secret_again(ada: CheckingClient) -> None:
    text = ada.send(ORDER, answers(copies="31")).get_data(as_text=True)
    assert "romero-y-pino" not in text


@pytest.mark.parametrize("again", [{"copies": "31"}, {"recalculate": "yes"}, {"quick_end": "2026-06-30"}])
def test_a_secret_is_not_lost_by_a_mistake_elsewhere(
    ada: CheckingClient, site: Site, db: Session, again: dict[str, str]
) -> None:
    text = ada.send(ORDER, answers(**again)).get_data(as_text=True)
    assert "Already typed: leave it empty to keep it." in text
    assert ada.send(ORDER, answers(parameter_password="")).status_code == 303
    assert unseal(site.settings.secret_key, only_request(db).sealed_parameters) == {"password": "romero-y-pino"}


def test_a_secret_typed_anew_replaces_the_kept_one(ada: CheckingClient, site: Site, db: Session) -> None:
    ada.send(ORDER, answers(copies="31"))
    ada.send(ORDER, answers(parameter_password="tomillo-y-jara"))
    assert unseal(site.settings.secret_key, only_request(db).sealed_parameters) == {"password": "tomillo-y-jara"}


def test_a_kept_secret_belongs_to_one_form(ada: CheckingClient) -> None:
    ada.send(ORDER, answers(copies="31"))
    answer = ada.send(ORDER, answers(form_key="another-form", parameter_password=""))
    assert 'id="parameter_password-error"' in answer.get_data(as_text=True)


def test_a_wrong_secret_is_not_kept_nor_the_one_before_it(ada: CheckingClient) -> None:
    ada.send(ORDER, answers(copies="31"))
    ada.send(ORDER, answers(parameter_password="short"))
    answer = ada.send(ORDER, answers(parameter_password=""))
    assert 'id="parameter_password-error"' in answer.get_data(as_text=True)


def test_a_kept_secret_lies_sealed_in_the_log_in_and_is_gone_after_the_order(ada: CheckingClient, db: Session) -> None:
    ada.send(ORDER, answers(copies="31"))
    kept = str(list(db.scalars(select(LoginSession.data))))
    assert "typed_secrets" in kept
    assert "romero-y-pino" not in kept
    ada.send(ORDER, answers(parameter_password=""))
    db.rollback()
    assert "dokuwiki one-form" not in str(list(db.scalars(select(LoginSession.data))))


def test_more_than_the_quota_is_said_beside_the_size(ada: CheckingClient, db: Session) -> None:
    answer = ada.send(ORDER, answers(copies="30"))
    assert answer.status_code == 422
    assert 'id="size-error"' in answer.get_data(as_text=True)


def test_a_taken_name_is_said_beside_the_name(ada: CheckingClient, site: Site, people: People) -> None:
    request_of(site, people.ada)
    assert 'id="name-error"' in ada.send(ORDER, answers()).get_data(as_text=True)


def test_a_day_may_be_written_with_slashes(ada: CheckingClient, db: Session) -> None:
    ada.send(ORDER, answers(ends_on="30/06/2026"))
    assert only_request(db).ends_on == date(2026, 6, 30)


def test_without_javascript_a_quick_choice_fills_in_the_day_and_sends_nothing(ada: CheckingClient, db: Session) -> None:
    answer = ada.send(ORDER, answers(ends_on="", quick_end="2026-06-30"))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert 'value="2026-06-30" name' in text or 'name="ends_on" required type="date" value="2026-06-30"' in text
    assert 'value="ward-wiki"' in text
    assert "-error" not in text
    assert db.scalar(select(func.count()).select_from(VmRequest)) == 0


def test_without_javascript_recalculate_shows_what_it_takes(ada: CheckingClient) -> None:
    text = ada.send(ORDER, answers(copies="3", size="large", recalculate="yes")).get_data(as_text=True)
    assert "<strong>3</strong> machines" in text
    assert "<strong>12 GB</strong> of memory" in text


def test_the_panel_follows_the_choices(ada: CheckingClient) -> None:
    text = text_of(ada, "/catalogue/dokuwiki/estimate?size=large&copies=4")
    assert "<html" not in text
    assert "<strong>8</strong> processors" in text
    assert "6 of 10 left" in text
    assert "Grace" in text


def test_the_panel_says_when_it_is_too_much(ada: CheckingClient) -> None:
    assert "note-bad" in text_of(ada, "/catalogue/dokuwiki/estimate?size=small&copies=30")


def test_the_panel_bears_nonsense(ada: CheckingClient) -> None:
    text = text_of(ada, "/catalogue/dokuwiki/estimate?size=x&copies=-7&ends_on=never&department_id=nobody")
    assert "<strong>1</strong> machine" in text


def test_the_longest_possible_day_that_is_offered_is_accepted(ada: CheckingClient, site: Site, db: Session) -> None:
    with site.write_sessions.begin() as writing:
        make_template(writing, "ending", system=OperatingSystem("Debian 12", date(2026, 12, 31)))
    text = text_of(ada, "/catalogue/ending/order")
    assert 'value="2026-12-31" title' in text
    assert ada.send("/catalogue/ending/order", answers(ends_on="2026-12-31", size="small")).status_code == 303


def test_a_template_without_a_disk_cannot_be_ordered(ada: CheckingClient, site: Site) -> None:
    with site.write_sessions.begin() as writing:
        make_template(writing, "unbuilt", versions=0)
    assert ada.get("/catalogue/unbuilt/order").status_code == 409


def test_a_template_of_another_department_is_not_there(client: CheckingClient, people: People, site: Site) -> None:
    with site.write_sessions.begin() as writing:
        make_template(writing, "pharma", owner="farmacia", may_order=())
    assert client.log_in("eve").get("/catalogue/pharma/order").status_code == 404


def test_an_order_for_another_department_is_refused(ada: CheckingClient, people: People, db: Session) -> None:
    ada.send(ORDER, answers(department_id=str(people.radiology)))
    assert only_request(db).department_id == people.pharmacy


def test_the_auditor_may_not_order(olga: CheckingClient) -> None:
    assert olga.get(ORDER).status_code == 403


def test_who_is_not_logged_in_is_sent_to_log_in(client: CheckingClient, people: People) -> None:
    assert client.get(ORDER).status_code == 303
    assert client.send(ORDER, answers()).location.startswith("/login")


def test_a_form_without_its_token_is_refused(ada: CheckingClient, db: Session) -> None:
    assert ada.post(ORDER, data=answers()).status_code == 400
    assert db.scalar(select(func.count()).select_from(VmRequest)) == 0


def test_an_order_cannot_be_deleted_by_address(ada: CheckingClient) -> None:
    assert ada.delete(ORDER, data={"csrf_token": ada.token()}).status_code == 405


def test_a_taken_name_is_not_suggested(ada: CheckingClient, site: Site, people: People) -> None:
    request_of(site, people.ada, name="dokuwiki-farmacia")
    assert 'value="dokuwiki-farmacia-2"' in text_of(ada)
