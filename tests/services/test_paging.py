"""Long lists: whole, in order, without doubles, along an index, with a constant number of queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.models import VmRequest
from portal.services.paging import LAST_PAGE, LOOK_AHEAD, Page, count_some, paginate
from tests.factories import actor_for, make_account, make_vm, make_vm_request
from tests.factories.moments import NOW
from tests.services.lists import LISTS, queries


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


def fill(db: Session, count: int) -> list[VmRequest]:
    """So many requests, the oldest first."""
    ada = make_account(db)
    return [make_vm_request(db, by=ada, submitted_at=NOW + timedelta(minutes=number)) for number in range(count)]


def page_of(db: Session, number: int, **changes: object) -> Page[VmRequest]:
    ordinary = {"scopes": [[]], "order": VmRequest.submitted_at, "number": number, "per_page": 3}
    return paginate(db, VmRequest, **{**ordinary, **changes})  # type: ignore[arg-type]


def test_pages_together_are_the_whole_list(db: Session) -> None:
    rows = fill(db, 7)
    pages = [page_of(db, number) for number in (1, 2, 3)]
    assert [row for page in pages for row in page.items] == rows[::-1]
    assert {(page.pages, page.total, page.more) for page in pages} == {(3, 7, False)}


def test_oldest_first_is_the_other_way_round(db: Session) -> None:
    rows = fill(db, 4)
    assert list(page_of(db, 1, newest_first=False).items) == rows[:3]


def test_a_row_in_several_scopes_comes_once(db: Session) -> None:
    rows = fill(db, 2)
    everything = [VmRequest.copies >= 1]
    page = page_of(db, 1, scopes=[everything, [VmRequest.id == rows[0].id], everything])
    assert page.items == (rows[1], rows[0])
    assert page.total == 2


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (-3, 1), (3, 3), (4, 3), (LAST_PAGE * 10, 3)])
def test_a_page_that_is_not_there_is_the_nearest(db: Session, asked: int, given: int) -> None:
    fill(db, 7)
    assert page_of(db, asked).number == given


def test_nothing_is_one_empty_page(db: Session) -> None:
    assert page_of(db, 1) == page_of(db, 5) == page_of(db, 1, scopes=[]) == Page((), 1, 1, 0, 3)


def test_long_lists_are_counted_only_so_far(db: Session) -> None:
    fill(db, LOOK_AHEAD + 10)
    first, last = page_of(db, 1), page_of(db, LAST_PAGE)
    assert (first.total, first.more) == (LOOK_AHEAD + 3, True)
    assert (last.total, last.more) == (LOOK_AHEAD + 10, False)
    assert count_some(db, VmRequest, scopes=[[]], order=VmRequest.submitted_at, bound=5) == 5


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("role", [Role.APPROVER, Role.ADMIN])
def test_the_number_of_queries_does_not_grow(db: Session, role: Role, name: str) -> None:
    grace = make_account(db, "grace", role=role)
    actor = actor_for(db, "grace")
    made = [len(queries(db, actor, name))]
    for number in (3, 30):
        for _ in range(number):
            make_vm(db, owner=grace)
            make_vm_request(db, by=grace)
            make_vm_request(db)
        made.append(len(queries(db, actor, name)))
    assert made[1] == made[2]
    assert made[0] <= made[1] <= 12
