"""Reading a seat's signs: what is seen, not yet seen, lost, failed, and what a lab has not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from portal.core.seat_signs import How, Sign, Traits, first_trouble, read_signs, words_of

AT = datetime(2027, 1, 11, 9, tzinfo=UTC)
S, N, F, L, X = How.SEEN, How.NOT_YET, How.FAILED, How.LOST, How.NONE
CLONED, RUNNING, ANSWERS, NETWORK, DOORS = Sign
ALL = tuple(Sign)


@pytest.mark.parametrize(
    ("seen", "lacks", "given_up", "expected"),
    [
        ((), {}, False, (N, N, N, N, N)),
        ((CLONED,), {}, False, (S, N, N, N, N)),
        ((CLONED, RUNNING), {"answers": ["web"]}, False, (S, S, N, N, N)),
        ((ANSWERS,), {}, False, (S, S, S, N, N)),  # nobody wrote down what came before
        (ALL, {}, False, (S, S, S, S, S)),
        (ALL, {"running": ["web"]}, False, (S, L, S, S, S)),
        (ALL, {"network": ["web"]}, False, (S, S, S, L, S)),
        (ALL, {"doors": ["page"]}, False, (S, S, S, S, S)),
        ((CLONED, RUNNING, ANSWERS), {"network": ["web"], "doors": ["page"]}, False, (S, S, S, N, N)),
        ((), {}, True, (F, X, X, X, X)),
        ((CLONED,), {"running": ["web"]}, True, (S, F, X, X, X)),
        ((CLONED, RUNNING), {"answers": ["web"]}, True, (S, S, F, X, X)),
        (ALL, {"running": ["web"]}, True, (S, F, X, X, X)),
    ],
)
def test_signs_are_read(
    seen: tuple[Sign, ...], lacks: dict[str, list[str]], given_up: bool, expected: tuple[How, ...]
) -> None:
    signs = read_signs(dict.fromkeys(seen, AT), lacks, Traits(), given_up=given_up)
    assert tuple(one.how for one in signs) == expected


def test_what_a_lab_has_not_is_nobody_s_trouble() -> None:
    signs = read_signs({CLONED: AT, RUNNING: AT}, {}, Traits(answers=False, network=False, doors=False))
    assert [one.how for one in signs] == [S, S, X, X, X]
    assert first_trouble(signs) is None


@pytest.mark.parametrize(
    ("seen", "lacks", "said"),
    [
        ((), {}, "Its machines are still being made."),
        ((CLONED,), {}, "Not all its machines run yet."),
        ((CLONED,), {"running": ["web"]}, "Its machine web does not run."),
        ((CLONED, RUNNING), {}, "Its machines run, but not all of them answer yet."),
        ((CLONED, RUNNING), {"answers": ["web", "db"]}, "Its machine web runs but does not answer."),
        (ALL, {"running": ["db"]}, "Its machine db does not run."),
        (ALL, {"network": ["db"]}, "Its machine db does not answer in its network."),
        (ALL, {"doors": ["page"]}, None),
        ((CLONED, RUNNING, ANSWERS), {"network": ["db"], "doors": ["page"]}, None),
    ],
)
def test_the_first_trouble_is_said(seen: tuple[Sign, ...], lacks: dict[str, list[str]], said: str | None) -> None:
    found = first_trouble(read_signs(dict.fromkeys(seen, AT), lacks, Traits()))
    assert (str(words_of(found)) if found else None) == said
