"""A template's form fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.parameters import check_parameters
from portal.core.templates import Choice, Parameter, ParameterKind, Words

LABEL = Words(es="Campo", en="Field")


def field(kind: ParameterKind, **changes: object) -> Parameter:
    return Parameter(**{"name": "field", "kind": kind, "label": LABEL, **changes})  # type: ignore[arg-type]


COLOURS = (Choice("red", LABEL), Choice("blue", LABEL))


@pytest.mark.parametrize(
    ("parameter", "typed", "value"),
    [
        (field(ParameterKind.TEXT), "  La wiki  ", "La wiki"),
        (field(ParameterKind.TEXT, pattern="[a-z]+"), "abc", "abc"),
        (field(ParameterKind.CHOICE, choices=COLOURS), "red", "red"),
        (field(ParameterKind.NUMBER, minimum=1, maximum=30), " 30 ", 30),
        (field(ParameterKind.NUMBER, default=5), "", 5),
        (field(ParameterKind.YES_NO), None, False),
        (field(ParameterKind.YES_NO), "on", True),
    ],
)
def test_good_values_get_their_type(parameter: Parameter, typed: object, value: object) -> None:
    checked = check_parameters([parameter], {"field": typed})
    assert (checked.values, checked.problems) == ({"field": value}, ())


@pytest.mark.parametrize(
    ("parameter", "typed"),
    [
        (field(ParameterKind.TEXT), ""),
        (field(ParameterKind.TEXT), "two\nlines"),
        (field(ParameterKind.TEXT, max_length=3), "four"),
        (field(ParameterKind.TEXT, pattern="[a-z]+"), "ABC"),
        (field(ParameterKind.TEXT), ["a"]),
        (field(ParameterKind.CHOICE, choices=COLOURS), "green"),
        (field(ParameterKind.NUMBER), "many"),
        (field(ParameterKind.NUMBER), True),
        (field(ParameterKind.NUMBER, maximum=30), "31"),
        (field(ParameterKind.NUMBER, minimum=1), "0"),
        (field(ParameterKind.YES_NO), "perhaps"),
        (field(ParameterKind.SECRET, min_length=8), "short"),
    ],
)
def test_bad_values_are_a_problem_beside_their_field(parameter: Parameter, typed: object) -> None:
    checked = check_parameters([parameter], {"field": typed})
    assert [problem.field for problem in checked.problems] == ["field"]
    assert not checked.values


def test_secrets_are_kept_apart_and_may_begin_with_a_blank() -> None:
    checked = check_parameters([field(ParameterKind.SECRET)], {"field": " s3cret"})
    assert (checked.values, checked.secrets) == ({}, {"field": " s3cret"})


def test_an_optional_field_left_empty_is_left_out() -> None:
    checked = check_parameters([field(ParameterKind.TEXT, required=False)], {})
    assert (checked.values, checked.problems) == ({}, ())


def test_an_unknown_field_is_a_problem() -> None:
    checked = check_parameters([], {"root_password": "x"})
    assert [problem.field for problem in checked.problems] == ["root_password"]


@given(st.dictionaries(st.text(max_size=20), st.none() | st.text(max_size=300) | st.integers() | st.lists(st.text())))
def test_whatever_is_typed_gives_values_or_problems_and_never_a_crash(typed: dict[str, object]) -> None:
    parameters = [field(kind, choices=COLOURS) for kind in ParameterKind]
    for parameter in parameters:
        check_parameters([parameter], typed | {"field": typed.get("", "x")})
