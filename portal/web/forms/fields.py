"""Fields that say in plain words what is wrong with what was typed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined] # the stubs are of an older version
from wtforms.validators import ValidationError

from portal.core.errors import Invalid
from portal.core.texts import check_text


class PortalForm(FlaskForm):  # type: ignore[misc]
    """A form that takes no invisible characters and can also show what the services found wrong."""

    def validate(self, extra_validators: Any = None) -> bool:
        good: bool = super().validate(extra_validators)
        for name, field in self._fields.items():
            if isinstance(field.data, str) and not field.errors:
                try:
                    check_text(field.data, field=name)
                except Invalid as problem:
                    self.add_problem(name, _(problem.message))
                    good = False
        return good

    def mark_first_wrong(self) -> None:
        """Its control gets the focus when the page opens, also without JavaScript."""
        wrong = next((field for field in self._fields.values() if field.errors), None)
        if wrong is not None:
            wrong.autofocus = True

    def add_problem(self, name: str | None, text: str) -> None:
        """Beside the field of that name, else above the form."""
        if name in self._fields:
            self._fields[name].errors = [*self._fields[name].errors, text]
        else:
            self.form_errors.append(text)


def options(pairs: Iterable[tuple[str, str]]) -> list[Any]:
    """(value, words) as WTForms wants them."""
    return [SelectChoice(value, words) for value, words in pairs]


def stripped(value: str | None) -> str | None:
    """A filter: spaces around what was typed are never meant."""
    return value.strip() if value else value


class DayField(DateField):
    """A date as browsers send it (2027-06-30); day/month/year is understood too, for browsers without a calendar."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        if not any(text.strip() for text in valuelist):
            self.data = None
            return
        self.strptime_format = ["%Y-%m-%d", "%d/%m/%Y"]
        try:
            super().process_formdata([text.strip() for text in valuelist])
        except ValueError:
            raise ValidationError(_("Write a date as day/month/year, for example 30/06/2027.")) from None


class CountField(IntegerField):
    """A whole number."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        if not any(text.strip() for text in valuelist):
            self.data = None
            return
        try:
            super().process_formdata([text.strip() for text in valuelist])
        except ValueError:
            raise ValidationError(_("Write a whole number.")) from None
