"""A template's parameters as fields: each kind, checked by the rule in core, its problem in the reader's words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from werkzeug.datastructures import MultiDict
from wtforms import Form

from portal.core.templates import Choice, Parameter, ParameterKind, Words
from portal.web.forms.parameters import parameter_field

NAME = Words("Nombre", "Name")
SMALL = Words("minúsculas", "small letters")


@pytest.fixture(autouse=True)
def page(app: APIFlask) -> Iterator[None]:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        yield


def form_with(parameter: Parameter, typed: str | None = None) -> Form:
    kind = type("OneField", (Form,), {"field": parameter_field(parameter, "en")})
    form: Form = kind(MultiDict({} if typed is None else {"field": typed}))
    return form


@pytest.mark.parametrize(
    ("parameter", "typed", "error"),
    [
        (Parameter("p", ParameterKind.TEXT, NAME, pattern="[a-z]+"), "ab1", "This does not have the expected form."),
        (
            Parameter("p", ParameterKind.TEXT, NAME, pattern="[a-z]+", pattern_help=SMALL),
            "ab1",
            "Expected: small letters",
        ),
        (Parameter("p", ParameterKind.TEXT, NAME), "", "Please fill in this field."),
        (Parameter("p", ParameterKind.TEXT, NAME, max_length=3), "abcd", "At most 3 characters."),
        (Parameter("p", ParameterKind.NUMBER, NAME, minimum=2), "1", "At least 2."),
        (Parameter("p", ParameterKind.NUMBER, NAME), "ten", "Please write a whole number."),
        (Parameter("p", ParameterKind.SECRET, NAME, min_length=8), "short", "At least 8 characters."),
        (
            Parameter("p", ParameterKind.CHOICE, NAME, choices=(Choice("a", NAME),)),
            "b",
            "Please choose one of the list.",
        ),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(parameter: Parameter, typed: str, error: str) -> None:
    form = form_with(parameter, typed)
    assert not form.validate()
    assert form.errors == {"field": [error]}


@pytest.mark.parametrize(
    "parameter",
    [
        Parameter("p", ParameterKind.TEXT, NAME, default="wiki"),
        Parameter("p", ParameterKind.NUMBER, NAME, required=False),
        Parameter("p", ParameterKind.YES_NO, NAME),
        Parameter("p", ParameterKind.SECRET, NAME, required=False),
    ],
)
def test_a_field_that_need_not_be_filled_in_may_stay_empty(parameter: Parameter) -> None:
    assert form_with(parameter, "").validate()


def test_what_a_pattern_asks_for_is_said_before_it_is_missed() -> None:
    form = form_with(Parameter("p", ParameterKind.TEXT, NAME, pattern="[a-z]+", pattern_help=SMALL))
    assert form.field.description == "small letters"


def test_a_secret_never_comes_back_in_the_page() -> None:
    form = form_with(Parameter("p", ParameterKind.SECRET, NAME), "romero-y-pino")
    assert "romero" not in form.field()
    assert 'type="password"' in form.field()


def test_a_wrong_number_is_kept_as_it_was_typed() -> None:
    form = form_with(Parameter("p", ParameterKind.NUMBER, NAME), "ten")
    form.validate()
    assert 'value="ten"' in form.field()


def test_a_choice_without_a_default_begins_with_nothing_chosen() -> None:
    form = form_with(Parameter("p", ParameterKind.CHOICE, NAME, choices=(Choice("a", NAME),)))
    assert [value for value, *_rest in form.field.iter_choices()] == ["", "a"]
