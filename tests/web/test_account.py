"""One's own account."""

from __future__ import annotations

import re

from portal.models import ApiToken
from portal.services.tokens import account_for
from portal.site import Site
from tests.factories.moments import NOW
from tests.web.conftest import PASSWORD, CheckingClient

NEW = "romero-y-tomillo-27"


def test_a_token_is_shown_once_and_works(ada: CheckingClient, site: Site) -> None:
    answer = ada.send("/account/tokens", {"name": "inventario", "days": "30"})
    text = re.search(r"viv_[\w-]+", answer.text)
    assert text is not None
    with site.sessions() as db:
        found = account_for(db, text.group(), NOW)
        assert found is not None
        assert found.login == "ada"
    assert text.group() not in ada.get("/account").text


def test_a_token_lasts_ninety_days_at_most(ada: CheckingClient) -> None:
    assert ada.send("/account/tokens", {"name": "inventario", "days": "91"}).status_code == 422


def test_a_token_is_ended(ada: CheckingClient, site: Site) -> None:
    ada.send("/account/tokens", {"name": "inventario", "days": "30"})
    with site.sessions() as db:
        token = db.query(ApiToken).one()
    ada.send(f"/account/tokens/{token.id}/revoke")
    with site.sessions() as db:
        assert db.query(ApiToken).one().revoked_at == NOW


def test_nobody_ends_the_token_of_another(ada: CheckingClient, site: Site) -> None:
    ada.send("/account/tokens", {"name": "inventario", "days": "30"})
    with site.sessions() as db:
        token = db.query(ApiToken).one()
    ada.send("/logout")
    ada.log_in("eve")
    assert ada.send(f"/account/tokens/{token.id}/revoke").status_code == 404


def test_a_new_password_keeps_this_log_in_and_ends_the_others(ada: CheckingClient) -> None:
    before = ada.get_cookie("vivero_session")
    assert before is not None
    ada.send("/account/password", {"old_password": PASSWORD, "password": NEW, "again": NEW})
    assert ada.get("/account").status_code == 200
    ada.set_cookie("vivero_session", before.value)
    assert ada.get("/account").status_code == 303


def test_the_present_password_is_asked_for(ada: CheckingClient) -> None:
    answer = ada.send("/account/password", {"old_password": "falsa", "password": NEW, "again": NEW})
    assert answer.status_code == 422


def test_two_different_passwords_are_noticed(ada: CheckingClient) -> None:
    answer = ada.send("/account/password", {"old_password": PASSWORD, "password": NEW, "again": NEW + "x"})
    assert answer.status_code == 422
    assert NEW not in answer.text
