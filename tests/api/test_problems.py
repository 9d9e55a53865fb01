"""Trouble has one shape."""

from __future__ import annotations

from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import Client

from portal.api.validation_words import SENTENCES
from portal.core.policy import Role
from portal.models import Membership
from portal.services import vms
from tests.api.conftest import ORDER, Caller, problem
from tests.factories import make_department


def test_an_unknown_path_is_a_problem(ada: Caller) -> None:
    assert problem(ada.get("/nothing")) == (404, "not-found")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2/vms", "/api/vms", "/api/v1x"])
def test_a_mistyped_address_of_the_api_is_a_problem(app: Flask, path: str) -> None:
    answer = Client(app).get(path, headers={"Accept-Language": "en"})
    assert problem(answer) == (404, "not-found")
    assert "/api/v1" in answer.get_json()["detail"]


def test_an_error_names_the_field_as_the_body_does(ada: Caller, db: Session) -> None:
    ada.account.memberships.append(Membership(role=Role.REQUESTER, department_id=make_department(db, "uci").id))
    db.commit()
    errors = ada.post("/vm-requests", ORDER).get_json()["errors"]
    assert [error["field"] for error in errors] == ["department"]


def test_a_wrong_method_says_which_are_right(ada: Caller) -> None:
    answer = ada.call("PUT", "/vms")
    assert problem(answer) == (405, "wrong-method")
    assert "GET" in answer.headers["Allow"]


def test_a_body_that_is_too_large_is_refused(ada: Caller) -> None:
    assert problem(ada.post("/vm-requests", {"purpose": "x" * 300_000}))[0] == 413


def test_a_surprise_tells_nothing_of_the_inside(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("the password is pino")

    monkeypatch.setattr(vms, "get", broken)
    answer = ada.get(f"/vms/{uuid4()}")
    assert problem(answer) == (500, "our-fault")
    assert "pino" not in answer.get_data(as_text=True)


def test_what_the_schemas_refuse_is_said_in_the_language_asked_for(ada: Caller) -> None:
    body = {**ORDER, "copies": 31, "ends_on": "soon", "name": 5, "colour": "red", "parameters": {"a": []}}
    answer = ada.post("/vm-requests", body, Accept_Language="es")
    assert problem(answer) == (422, "invalid")
    assert answer.get_json()["detail"] == "Hay algo que no está bien: véase «errors»."
    errors = {error["field"]: error["message"] for error in answer.get_json()["errors"]}
    assert errors["copies"] == "Puede ser 30 como máximo."
    assert errors["ends_on"] == "Un día se escribe AAAA-MM-DD."
    assert errors["name"] == "Tiene que ser texto."
    assert errors["colour"] == "No hay tal campo."
    assert errors.keys() == {"copies", "ends_on", "name", "colour", "parameters.a"}


@pytest.mark.parametrize("data", ["{", "[]", "5", '"x"', "null"])
def test_a_body_that_is_no_object_is_a_problem(ada: Caller, data: str) -> None:
    headers = {"Authorization": f"Bearer {ada.token}", "Content-Type": "application/json", "Accept-Language": "es"}
    answer = Client(ada.app).post("/api/v1/vm-requests", data=data, headers=headers)
    assert problem(answer)[0] in {400, 422}


def test_every_sentence_takes_what_pydantic_gives() -> None:
    context = {"min_length": 1, "max_length": 2, "ge": 3, "le": 4, "expected": "a or b"}
    assert all(sentence % context for sentence in SENTENCES.values())


def test_problems_speak_the_language_asked_for(ada: Caller) -> None:
    answer = ada.get(f"/vms/{uuid4()}", Accept_Language="en")
    assert answer.get_json()["detail"] == "There is no such machine."
