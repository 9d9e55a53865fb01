"""A template's own parameters as form fields: text with pattern, choice, number, yes/no, secret."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from wtforms import BooleanField, Field, Form, PasswordField, SelectField, StringField
from wtforms.validators import ValidationError
from wtforms.widgets import NumberInput

from portal.core.errors import Invalid
from portal.core.parameters import check_value
from portal.core.templates import Parameter, ParameterKind
from portal.web.forms.fields import options
from portal.web.languages import in_words

PREFIX = "parameter_"  # so that no parameter can take the name of a field of every order


class ChecksParameter:
    """The rule itself stands in core; here its problem is said beside the field."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        if parameter.required and parameter.default is None:
            self.field_flags = {"required": True}

    def __call__(self, form: Form, field: Field) -> None:
        try:
            check_value(self.parameter, field.data)
        except Invalid as problem:
            raise ValidationError(in_words(problem)) from None


def parameter_field(parameter: Parameter, locale: str) -> Field:
    """The (unbound) field for one parameter, in the reader's language."""
    label = parameter.label.read(locale)
    common: dict[str, Any] = {
        "description": " ".join(words.read(locale) for words in (parameter.help, parameter.pattern_help) if words),
        "validators": [ChecksParameter(parameter)],
        "default": None if parameter.is_secret else parameter.default,
    }
    if parameter.kind is ParameterKind.CHOICE:
        return SelectField(label, choices=options(choices_of(parameter, locale)), validate_choice=False, **common)
    if parameter.kind is ParameterKind.YES_NO:
        return BooleanField(label, **common)
    if parameter.kind is ParameterKind.SECRET:
        return PasswordField(label, render_kw={**length_of(parameter), "autocomplete": "new-password"}, **common)
    if parameter.kind is ParameterKind.NUMBER:
        return StringField(label, widget=NumberInput(), render_kw=limits_of(parameter), **common)
    return StringField(label, render_kw=length_of(parameter), **common)


def choices_of(parameter: Parameter, locale: str) -> list[tuple[str, str]]:
    chosen = [(each.value, each.label.read(locale)) for each in parameter.choices]
    if parameter.default is None:
        chosen.insert(0, ("", gettext("Choose…") if parameter.required else gettext("None")))
    return chosen


def length_of(parameter: Parameter) -> dict[str, Any]:
    return {"maxlength": parameter.max_length}


def limits_of(parameter: Parameter) -> dict[str, Any]:
    limits = {"min": parameter.minimum, "max": parameter.maximum}
    return {name: value for name, value in limits.items() if value is not None}
