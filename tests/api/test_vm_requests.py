"""Ordering and following through the API."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import Client

from portal.core.errors import inner
from portal.core.lifecycle import VmRequestState
from portal.models import Host, Vm, VmRequest, Workflow, WorkflowStep
from tests.api.conftest import ORDER, Caller, ordered, problem
from tests.factories import make_vm
from tests.factories.moments import NOW


def count_requests(db: Session) -> int:
    db.rollback()
    return db.scalar(select(func.count()).select_from(VmRequest)) or 0


def test_an_order_is_a_submitted_request(ada: Caller) -> None:
    answer = ada.post("/vm-requests", ORDER)
    assert (answer.status_code, answer.get_json()["state"]) == (201, "submitted")
    assert answer.headers["Location"] == f"/api/v1/vm-requests/{answer.get_json()['id']}"


def test_a_request_shows_its_progress_and_machines(ada: Caller, db: Session) -> None:
    vm_request_id = ordered(ada)
    vm_request = db.scalars(select(VmRequest)).one()
    work = Workflow(id="w1", kind="provision", subject_id=vm_request.id, created_at=NOW, done=3, total=10)
    db.add_all([work, WorkflowStep(workflow_id="w1", position=0, name="clone", state="running")])
    host = db.scalars(select(Host)).first()
    make_vm(db, owner=db.merge(ada.account), vm_request=vm_request, host_id=host.id, address="10.77.16.20")  # type: ignore[union-attr,arg-type]
    db.commit()
    shown = ada.get(f"/vm-requests/{vm_request_id}").get_json()
    assert shown["progress"] == {"done": 3, "total": 10, "step": "clone"}
    assert [(vm["name"], vm["state"], vm["host"], vm["address"]) for vm in shown["vms"]] == [
        ("wiki", "running", "hv1", "10.77.16.20")
    ]


def test_the_step_and_a_reason_within_a_reason_are_in_the_callers_language(ada: Caller, db: Session) -> None:
    vm_request_id = ordered(ada)
    vm_request = db.scalars(select(VmRequest)).one()
    full = inner("The playbook stopped with an error; its last lines say why. Then try again.", {})
    vm_request.state = VmRequestState.FAILED
    vm_request.error = "Cleaning up did not succeed: %(reason)s Roll back again once the cause is removed."
    vm_request.error_params = {"reason": full}
    work = Workflow(id="w1", kind="provision", subject_id=vm_request.id, created_at=NOW, done=3, total=10)
    db.add_all([work, WorkflowStep(workflow_id="w1", position=0, name="Choose hosts", state="running")])
    db.commit()
    shown = ada.get(f"/vm-requests/{vm_request_id}", Accept_Language="es").get_json()
    assert "Choose" not in shown["progress"]["step"]
    assert "playbook stopped" not in shown["error"]
    shown = ada.get(f"/vm-requests/{vm_request_id}", Accept_Language="en").get_json()
    assert shown["progress"]["step"] == "Choose hosts"
    assert shown["error"].startswith("Cleaning up did not succeed: The playbook stopped with an error;")


def test_before_the_work_has_begun_progress_is_nothing_of_nothing(ada: Caller) -> None:
    shown = ada.get(f"/vm-requests/{ordered(ada)}").get_json()
    assert shown["progress"] == {"done": 0, "total": 0, "step": ""}


def test_the_step_is_said_in_the_callers_language(ada: Caller, db: Session) -> None:
    vm_request_id = ordered(ada)
    db.add(Workflow(id="w1", kind="provision", subject_id=UUID(vm_request_id), created_at=NOW, done=0, total=6))
    db.add(WorkflowStep(workflow_id="w1", position=0, name="Choose hosts", state="running"))
    db.commit()
    shown = ada.get(f"/vm-requests/{vm_request_id}", Accept_Language="es").get_json()
    assert shown["progress"]["step"] == "Elegir servidores"


def test_a_cancelled_request_no_longer_shows_why_it_had_failed(ada: Caller, db: Session) -> None:
    vm_request_id = ordered(ada)
    vm_request = db.scalars(select(VmRequest)).one()
    vm_request.state, vm_request.error = "cancelled", "It broke."  # type: ignore[assignment]
    db.commit()
    assert ada.get(f"/vm-requests/{vm_request_id}").get_json()["error"] is None


def test_the_list_is_in_pages_and_filtered(ada: Caller) -> None:
    for name in ("one", "two", "three"):
        ordered(ada, name=name)
    page = ada.get("/vm-requests?state=submitted&department=farmacia&limit=2&page=2").get_json()
    assert (page["page"], page["pages"], page["total"], len(page["items"])) == (2, 2, 3, 1)
    assert ada.get("/vm-requests?state=denied").get_json()["items"] == []


def test_a_list_costs_the_same_number_of_queries_however_long(
    ada: Caller, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    ordered(ada, name="first")
    few = count_queries(lambda: ada.get("/vm-requests"))
    for number in range(4):
        ordered(ada, name=f"more-{number}", copies=1)
    assert count_queries(lambda: ada.get("/vm-requests")) == few


def test_the_same_key_orders_once(ada: Caller, db: Session) -> None:
    first = ada.post("/vm-requests", ORDER, Idempotency_Key="k1")
    second = ada.post("/vm-requests", dict(reversed(ORDER.items())), Idempotency_Key="k1")
    assert (first.status_code, first.get_json()) == (second.status_code, second.get_json())
    assert count_requests(db) == 1


def test_a_key_is_not_for_another_order(ada: Caller, db: Session) -> None:
    ada.post("/vm-requests", ORDER, Idempotency_Key="k1")
    again = ada.post("/vm-requests", {**ORDER, "name": "other"}, Idempotency_Key="k1")
    assert problem(again) == (422, "idempotency-key-reused")
    assert count_requests(db) == 1


def test_a_key_whose_call_failed_may_be_used_again(ada: Caller) -> None:
    assert ada.post("/vm-requests", {**ORDER, "size": "none"}, Idempotency_Key="k1").status_code == 422
    assert ada.post("/vm-requests", ORDER, Idempotency_Key="k1").status_code == 201


def test_keys_of_two_people_are_two_keys(ada: Caller, eve: Caller, db: Session) -> None:
    for who in (ada, eve):
        assert (
            who.post("/vm-requests", {**ORDER, "name": f"of-{who.account.login}"}, Idempotency_Key="k1").status_code
            == 201
        )
    assert count_requests(db) == 2


@pytest.mark.parametrize("key", ["", "x" * 101, "ñ"])
def test_a_key_that_is_none_is_refused(ada: Caller, key: str) -> None:
    assert problem(ada.post("/vm-requests", ORDER, Idempotency_Key=key)) == (422, "invalid")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"copies": 31}, "copies"),
        ({"copies": "2"}, "copies"),
        ({"copies": True}, "copies"),
        ({"ends_on": "tomorrow"}, "ends_on"),
        ({"ends_on": 20000}, "ends_on"),
        ({"ends_on": None}, "ends_on"),
        ({"colour": "red"}, "colour"),
        ({"name": "UPPER"}, "name"),
        ({"purpose": ""}, "purpose"),
        ({"purpose": "a\0b"}, "purpose"),
        ({"size": "huge"}, "size"),
        ({"department": "radiologia"}, "department"),
        ({"parameters": {"nonsense": 1}}, "nonsense"),
    ],
)
def test_what_is_wrong_is_named(ada: Caller, changes: dict[str, object], field: str) -> None:
    answer = ada.post("/vm-requests", {**ORDER, **changes})
    assert answer.status_code == 422
    assert field in [error["field"].split(".")[0] for error in answer.get_json()["errors"]]


@pytest.mark.parametrize("text", ["{", "[]", "3", '"x"', "\xff", "[" * 5000])
def test_a_body_that_is_no_object_is_refused(ada: Caller, app: Flask, text: str) -> None:
    headers = {"Authorization": f"Bearer {ada.token}", "Content-Type": "application/json"}
    answer = Client(app).post("/api/v1/vm-requests", data=text.encode("latin-1"), headers=headers)
    assert problem(answer)[0] in {400, 422}


def test_an_unknown_template_is_not_there(ada: Caller) -> None:
    assert problem(ada.post("/vm-requests", {**ORDER, "template": "nothing"}))[0] == 404


def test_one_takes_an_order_back(ada: Caller) -> None:
    vm_request_id = ordered(ada)
    assert ada.post(f"/vm-requests/{vm_request_id}/cancel").get_json()["state"] == "cancelled"
    assert problem(ada.post(f"/vm-requests/{vm_request_id}/cancel"))[0] == 409


@pytest.mark.parametrize("what", ["retry", "roll-back"])
def test_only_what_failed_is_tried_again(ada: Caller, what: str) -> None:
    assert problem(ada.post(f"/vm-requests/{ordered(ada)}/{what}"))[0] == 409


def test_other_departments_see_nothing(ada: Caller, eve: Caller) -> None:
    vm_request_id = ordered(ada)
    assert problem(eve.get(f"/vm-requests/{vm_request_id}")) == (404, "not-found")
    assert eve.get("/vm-requests").get_json()["items"] == []
    assert eve.get("/vm-requests?department=farmacia").get_json()["items"] == []


def test_machines_of_a_request_are_counted_by_copies(ada: Caller, db: Session) -> None:
    ordered(ada, copies=3)
    db.rollback()
    assert db.scalars(select(Vm)).all() == []


def test_a_failed_request_says_why_in_the_callers_words(ada: Caller, db: Session) -> None:
    vm_request_id = ordered(ada)
    vm_request = db.scalars(select(VmRequest)).one()
    vm_request.state, vm_request.error = "failed", "hv%(number)s does not answer."  # type: ignore[assignment]
    vm_request.error_params = {"number": 2}
    db.commit()
    assert ada.get(f"/vm-requests/{vm_request_id}").get_json()["error"] == "hv2 does not answer."
