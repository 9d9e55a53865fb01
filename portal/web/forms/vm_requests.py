"""The order form: the same questions for every template, then the template's own parameters."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from flask_babel import lazy_gettext as _
from wtforms import Field, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Optional, Regexp

from portal.core.naming import MAX_COPIES, NAME, NAME_LENGTH
from portal.core.templates import TemplateSpec
from portal.interfaces import Json
from portal.web.forms.fields import CountField, DayField, PortalForm, options, stripped
from portal.web.forms.parameters import PREFIX, parameter_field

PURPOSE_LENGTH = 1000


def lower(value: str | None) -> str | None:
    return value.lower() if value else value


class OrderForm(PortalForm):
    """What every order says, in the order of the page. `size` and `department_id` come from `order_form_for`."""

    form_key = HiddenField(default=lambda: secrets.token_urlsafe(24), validators=[Length(max=64)])
    purpose = TextAreaField(
        _("What is it for?"),
        description=_("One or two sentences. The person who approves it reads them."),
        filters=[stripped],
        validators=[
            DataRequired(message=_("Say in a sentence what it is for.")),
            Length(min=3, max=PURPOSE_LENGTH, message=_("Between 3 and 1000 characters, please.")),
        ],
    )
    name = StringField(
        _("Name"),
        description=_("Small letters, digits and hyphens. It becomes the machine's name in the network."),
        filters=[stripped, lower],
        validators=[
            DataRequired(message=_("Give it a name.")),
            Length(min=3, max=NAME_LENGTH, message=_("A name has 3 to 40 characters.")),
            Regexp(NAME, message=_("Only small letters, digits and hyphens; it begins with a letter.")),
        ],
    )
    copies = CountField(
        _("Number of copies"),
        description=_("How many machines of this kind. One is usual; for a class, one for each person."),
        default=1,
        validators=[
            InputRequired(message=_("Say how many: 1 is usual.")),
            NumberRange(1, MAX_COPIES, message=_("Between 1 and 30 copies.")),
        ],
    )
    starts_on = DayField(
        _("Wanted from"),
        description=_("Leave it empty to have it as soon as it is approved."),
        validators=[Optional()],
    )
    ends_on = DayField(
        _("Until"),
        description=_("You can ask for more time later. We write to you a week before and a day before."),
        validators=[InputRequired(message=_("Say until when you need it."))],
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        middle = [name for name in self._fields if name.startswith(PREFIX)]
        order = ["purpose", "department_id", "size", "name", "copies", *middle, "starts_on", "ends_on"]
        for name in order:
            if name in self._fields:
                self._fields[name] = self._fields.pop(name)

    def own_name(self, name: str | None) -> str | None:
        """The form's name for what the services call `name`: a parameter's problem carries the parameter's own."""
        own = PREFIX + (name or "")
        return own if own in self._fields else name

    def add_problem(self, name: str | None, text: str) -> None:
        super().add_problem(self.own_name(name), text)

    def parameter_fields(self) -> Iterator[Field]:
        return (field for field in self if field.name.startswith(PREFIX))

    def parameters(self) -> dict[str, Json]:
        """The template's own parameters as typed, under their own names."""
        return {field.name.removeprefix(PREFIX): field.data for field in self.parameter_fields()}


def order_form_for(spec: TemplateSpec, *, departments: Sequence[tuple[str, str]], locale: str) -> type[OrderForm]:
    """The form of one template; it asks for the department only from people who have several (id, name)."""
    fields: dict[str, Field] = {"size": size_field(spec, locale)}
    if len(departments) > 1:
        fields["department_id"] = SelectField(
            _("For which department?"),
            choices=options(departments),
            validate_choice=False,
            validators=[one_of((key for key, _name in departments), _("Choose one of your departments."))],
        )
    fields |= {PREFIX + parameter.name: parameter_field(parameter, locale) for parameter in spec.parameters}
    return cast(type[OrderForm], type("TemplateOrderForm", (OrderForm,), fields))


def size_field(spec: TemplateSpec, locale: str) -> Field:
    return RadioField(
        _("How big?"),
        choices=options((size.slug, size.label.read(locale)) for size in spec.sizes),
        default=spec.sizes[0].slug,
        validate_choice=False,
        validators=[one_of((size.slug for size in spec.sizes), _("Choose one of the sizes."))],
    )


def one_of(values: Iterable[str], message: str) -> AnyOf:
    return AnyOf(list(values), message=message)
