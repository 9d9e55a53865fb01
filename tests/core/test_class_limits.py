"""How large a class may be on its teacher's word alone."""

from __future__ import annotations

import pytest

from portal.core.class_limits import NO_LIMIT, ApprovalLimit


@pytest.mark.parametrize(
    ("limit", "seats", "memory_mib", "passed"),
    [
        (ApprovalLimit(30, 0), 30, 10**9, False),
        (ApprovalLimit(30, 0), 31, 1, True),
        (ApprovalLimit(0, 1024), 40, 1024, False),
        (ApprovalLimit(0, 1024), 1, 1025, True),
        (ApprovalLimit(30, 1024), 31, 1025, True),
        (NO_LIMIT, 40, 10**9, False),
    ],
)
def test_a_limit_is_passed_by_more_and_never_by_as_much(
    limit: ApprovalLimit, seats: int, memory_mib: int, passed: bool
) -> None:
    assert limit.is_passed_by(seats=seats, memory_mib=memory_mib) == passed
