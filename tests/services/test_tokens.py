"""API tokens: for oneself, shown once, ending by themselves or at will."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.core.policy import Role
from portal.models import Account, ApiToken, AuditEntry
from portal.services import tokens
from portal.services.accounts import actor_of
from tests.factories import actor_for, make_account
from tests.factories.moments import NOW


@pytest.fixture
def ada(db: Session) -> Account:
    return make_account(db, "ada")


def issue(db: Session, account: Account, *, days: int = 30, name: str = "script") -> tuple[ApiToken, str]:
    return tokens.issue(db, actor=actor_of(account), account=account, name=name, days=days, now=NOW)


def test_a_token_leads_to_its_account_and_is_kept_as_a_hash(db: Session, ada: Account) -> None:
    token, text = issue(db, ada)
    assert text.startswith("viv_")
    assert token.token_hash not in text
    assert tokens.account_for(db, text, NOW) is ada


@pytest.mark.parametrize("text", ["", "viv_", "viv_made-up", "Bearer x", "viv_" + "x" * 5000])
def test_a_made_up_token_leads_nowhere(db: Session, text: str) -> None:
    assert tokens.account_for(db, text, NOW) is None


def test_a_token_ends_by_itself(db: Session, ada: Account) -> None:
    _token, text = issue(db, ada, days=1)
    assert tokens.account_for(db, text, NOW + timedelta(hours=23)) is ada
    assert tokens.account_for(db, text, NOW + timedelta(days=1)) is None


def test_a_revoked_token_leads_nowhere(db: Session, ada: Account) -> None:
    token, text = issue(db, ada)
    tokens.revoke(db, actor=actor_of(ada), token_id=token.id, now=NOW)
    tokens.revoke(db, actor=actor_of(ada), token_id=token.id, now=NOW)
    assert tokens.account_for(db, text, NOW) is None
    actions = list(db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions == ["token.issued", "token.revoked"]


@pytest.mark.parametrize(("days", "name", "field"), [(0, "x", "days"), (91, "x", "days"), (30, " ", "name")])
def test_a_wrong_answer_names_its_field(db: Session, ada: Account, days: int, name: str, field: str) -> None:
    with pytest.raises(Invalid) as raised:
        issue(db, ada, days=days, name=name)
    assert raised.value.field == field


def test_nobody_makes_a_token_for_somebody_else(db: Session, ada: Account) -> None:
    root = actor_for(db, "root", role=Role.ADMIN)
    with pytest.raises(NotAllowed):
        tokens.issue(db, actor=root, account=ada, name="x", days=1, now=NOW)


def test_nobody_ends_a_token_of_somebody_else(db: Session, ada: Account) -> None:
    token, _text = issue(db, ada)
    with pytest.raises(NotFound):
        tokens.revoke(db, actor=actor_for(db, "eve"), token_id=token.id, now=NOW)


def test_there_is_an_end_to_the_number_of_tokens(db: Session, ada: Account) -> None:
    for number in range(20):
        issue(db, ada, name=f"script {number}")
    with pytest.raises(Conflict):
        issue(db, ada)


def test_use_is_noted_every_few_minutes(db: Session, ada: Account) -> None:
    token, text = issue(db, ada)
    tokens.note_use(db, text, NOW)
    tokens.note_use(db, text, NOW + timedelta(minutes=1))
    assert token.last_used_at == NOW
