"""A template's own form fields: what was typed becomes typed values, or a problem beside each field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.core.errors import N_, Invalid
from portal.core.templates import Parameter, ParameterKind
from portal.core.texts import has_control_characters

Value = str | int | bool

TRUE_WORDS = frozenset({"true", "yes", "on", "1", "y", "sí", "si"})
FALSE_WORDS = frozenset({"false", "no", "off", "0", "n", ""})


@dataclass(frozen=True)
class CheckedParameters:
    """Secrets apart from the rest, for they are stored and sent apart. `problems` carry the field's name."""

    values: Mapping[str, Value]
    secrets: Mapping[str, str]
    problems: tuple[Invalid, ...] = ()


def check_parameters(parameters: Sequence[Parameter], given: Mapping[str, object]) -> CheckedParameters:
    """Check each field alone. A field left empty takes its default, and without one is left out."""
    values: dict[str, Value] = {}
    secrets: dict[str, str] = {}
    problems = [unknown_field(name) for name in sorted(set(given) - {each.name for each in parameters})]
    for parameter in parameters:
        try:
            value = check_value(parameter, given.get(parameter.name))
        except Invalid as problem:
            problems.append(problem)
            continue
        if value is not None and parameter.is_secret:
            secrets[parameter.name] = str(value)
        elif value is not None:
            values[parameter.name] = value
    return CheckedParameters(values, secrets, tuple(problems))


def unknown_field(name: str) -> Invalid:
    return Invalid(N_("This template has no field “%(name)s”."), field=str(name)[:40], name=str(name)[:40])


def check_value(parameter: Parameter, typed: object) -> Value | None:
    """The value with its type, None if there is none; raises Invalid naming the field."""
    if typed is None or (isinstance(typed, str) and not typed.strip()):
        typed = parameter.default
        if typed is None and parameter.kind is ParameterKind.YES_NO:
            typed = False
    if typed is None:
        if parameter.required:
            raise Invalid(N_("Please fill in this field."), field=parameter.name)
        return None
    if parameter.kind is ParameterKind.NUMBER:
        return check_number(parameter, typed)
    if parameter.kind is ParameterKind.YES_NO:
        return check_yes_no(parameter, typed)
    return check_text(parameter, typed)


def check_number(parameter: Parameter, typed: object) -> int:
    if isinstance(typed, int) and not isinstance(typed, bool):
        number = typed
    elif isinstance(typed, str) and re.fullmatch(r"[+-]?[0-9]{1,15}", typed.strip()):
        number = int(typed)
    else:
        raise Invalid(N_("Please write a whole number."), field=parameter.name)
    if parameter.minimum is not None and number < parameter.minimum:
        raise Invalid(N_("At least %(minimum)s."), field=parameter.name, minimum=parameter.minimum)
    if parameter.maximum is not None and number > parameter.maximum:
        raise Invalid(N_("At most %(maximum)s."), field=parameter.name, maximum=parameter.maximum)
    return number


def check_yes_no(parameter: Parameter, typed: object) -> bool:
    if isinstance(typed, bool):
        return typed
    word = str(typed).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise Invalid(N_("Please choose yes or no."), field=parameter.name)


def check_text(parameter: Parameter, typed: object) -> str:
    if not isinstance(typed, str):
        raise Invalid(N_("Please write text here."), field=parameter.name)
    # a password may begin with a blank on purpose
    text = typed if parameter.is_secret else typed.strip()
    if len(text) > parameter.max_length:
        raise Invalid(N_("At most %(maximum)s characters."), field=parameter.name, maximum=parameter.max_length)
    if len(text) < parameter.min_length:
        raise Invalid(N_("At least %(minimum)s characters."), field=parameter.name, minimum=parameter.min_length)
    if has_control_characters(text, lines=False):
        raise Invalid(N_("Please write it in one line, without control characters."), field=parameter.name)
    if parameter.kind is ParameterKind.CHOICE and text not in {choice.value for choice in parameter.choices}:
        raise Invalid(N_("Please choose one of the list."), field=parameter.name)
    if parameter.pattern is not None and not re.fullmatch(parameter.pattern, text):
        if parameter.pattern_help is None:
            raise Invalid(N_("This does not have the expected form."), field=parameter.name)
        raise Invalid(N_("Expected: %(form)s"), field=parameter.name, form=parameter.pattern_help)
    return text
