"""Sealed answers: read only with the portal's key, never the same twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.core.errors import Conflict
from portal.services.sealing import seal, seal_answers, unseal, unseal_answers
from tests.factories.moments import NOW

SECRETS = {"admin_password": "quiet green river", "pin": "ñ€"}


def test_what_is_sealed_comes_back() -> None:
    assert unseal("key", seal("key", SECRETS)) == SECRETS


def test_nothing_is_nothing() -> None:
    assert unseal("key", None) == {}


def test_the_seal_shows_nothing_and_is_never_the_same() -> None:
    one, other = seal("key", SECRETS), seal("key", SECRETS)
    assert one != other
    assert "river" not in one


def test_another_key_and_a_broken_seal_are_refused() -> None:
    sealed = seal("key", SECRETS)
    for key, text in (("other", sealed), ("key", sealed[:-3] + "abc"), ("key", "")):
        with pytest.raises(Conflict):
            unseal(key, text)


def test_answers_of_an_unfinished_form_can_be_read_for_an_hour_and_with_one_key() -> None:
    sealed = seal_answers("key", SECRETS, now=NOW)
    assert unseal_answers("key", sealed, now=NOW + timedelta(minutes=59)) == SECRETS
    assert unseal_answers("key", sealed, now=NOW + timedelta(minutes=61)) == {}
    assert unseal_answers("other", sealed, now=NOW) == {}
