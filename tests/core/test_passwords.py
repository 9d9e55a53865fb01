"""Passwords and locks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.core.errors import Invalid
from portal.core.passwords import check_password, lock_until

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("password", ["correct horse battery", "ñandú en la ría", "x1!x2?x3.x4,x5"])
def test_sentences_are_good_passwords(password: str) -> None:
    check_password(password, login="ada")
    assert password


@pytest.mark.parametrize(
    "password", ["", "short", "thirteen char", "a" * 20, "abababababababab", "this is ADA again", "x" * 201]
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_password(password, login="ada")
    assert raised.value.field == "password"


@pytest.mark.parametrize(("failures", "locked"), [(0, False), (4, False), (5, True), (6, False), (10, True)])
def test_each_fifth_failure_locks(failures: int, locked: bool) -> None:
    assert lock_until(failures, NOW) == (NOW + timedelta(minutes=15) if locked else None)
