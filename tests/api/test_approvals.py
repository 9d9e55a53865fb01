"""Decisions through the API: once, with a reason, never one's own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from portal.core.policy import Role
from tests.api.conftest import Caller, ordered, problem
from tests.factories import ListQueue


def test_an_approval_queues_the_work(ada: Caller, grace: Caller, queue: ListQueue) -> None:
    vm_request_id = ordered(ada)
    answer = grace.post(f"/vm-requests/{vm_request_id}/approve", {"copies": 1, "comment": "One is enough"})
    assert (answer.status_code, answer.get_json()["copies"]) == (200, 1)
    assert [entry[2] for entry in queue.entries] == [vm_request_id]


def test_a_quantity_outside_its_limits_is_refused_and_the_limits_are_said(ada: Caller, grace: Caller) -> None:
    size = next(one for one in ada.get("/templates").get_json()[0]["sizes"] if one["slug"] == "small")
    most = size["limits"]["vcpus"]["max"]
    vm_request_id = ordered(ada)
    assert problem(grace.post(f"/vm-requests/{vm_request_id}/approve", {"vcpus": most + 1}))[0] == 422
    assert grace.post(f"/vm-requests/{vm_request_id}/approve", {"vcpus": most}).status_code == 200


def test_an_approval_needs_no_body(ada: Caller, grace: Caller) -> None:
    assert grace.post(f"/vm-requests/{ordered(ada)}/approve").status_code == 200


def test_nobody_approves_their_own_request(grace: Caller, queue: ListQueue) -> None:
    answer = grace.post(f"/vm-requests/{ordered(grace)}/approve", {})
    assert problem(answer) == (403, "own-request")
    assert queue.entries == []


def test_who_only_orders_decides_nothing(ada: Caller, caller: Callable[..., Caller]) -> None:
    assert problem(ada.post(f"/vm-requests/{ordered(ada)}/approve", {}))[0] == 403
    assert problem(caller("bea").post(f"/vm-requests/{ordered(ada, name='two')}/deny", {"reason": "no"}))[0] == 403


def test_the_second_decision_reads_who_decided(ada: Caller, grace: Caller, caller: Callable[..., Caller]) -> None:
    vm_request_id = ordered(ada)
    grace.post(f"/vm-requests/{vm_request_id}/approve", {})
    late = caller("gus", Role.APPROVER).post(f"/vm-requests/{vm_request_id}/deny", {"reason": "Too many"})
    assert problem(late) == (409, "already-decided")
    assert "Grace" in late.get_json()["detail"]


def test_of_many_approvals_at_once_one_counts(ada: Caller, grace: Caller, queue: ListQueue) -> None:
    vm_request_id = ordered(ada)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: grace.post(f"/vm-requests/{vm_request_id}/approve", {}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    assert len(queue.entries) == 1


def test_a_denial_needs_a_reason(ada: Caller, grace: Caller) -> None:
    vm_request_id = ordered(ada)
    assert problem(grace.post(f"/vm-requests/{vm_request_id}/deny", {}))[0] == 422
    assert problem(grace.post(f"/vm-requests/{vm_request_id}/deny", {"reason": "  "}))[0] == 422
    answer = grace.post(f"/vm-requests/{vm_request_id}/deny", {"reason": "There is one already"})
    assert (answer.get_json()["state"], answer.get_json()["comment"]) == ("denied", "There is one already")


def test_an_approver_of_another_department_finds_nothing(ada: Caller, caller: Callable[..., Caller]) -> None:
    other = caller("gil", Role.APPROVER, "radiologia")
    assert problem(other.post(f"/vm-requests/{ordered(ada)}/approve", {}))[0] in {403, 404}
