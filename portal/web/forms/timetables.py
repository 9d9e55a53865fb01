"""What a teacher fills in to book a whole timetable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf.file import FileField
from wtforms import SelectField, TextAreaField
from wtforms.validators import InputRequired, ValidationError

from portal.core.errors import Invalid
from portal.core.texts import text_of_file
from portal.core.timetables import MOST_BYTES, Row
from portal.models import Department
from portal.services.timetable_files import read_timetable
from portal.web.context import site
from portal.web.forms.fields import CountField, PortalForm, options
from portal.web.languages import in_words


class TimetableForm(PortalForm):
    """A file takes the place of the text, where it can be put right. `rows` are the read ones."""

    file = FileField(
        _("A file"), description=_("From a calendar program (.ics) or as a table (.csv), at most 256 KiB.")
    )
    text = TextAreaField(
        _("… or pasted text"),
        description=_(
            "One class on each line: lab; beginning; minutes; seats; room. "
            "For example: first-steps; 30/06/2027 10:00; 60; 12; Room 2. "
            "A line of titles may put them in another order."
        ),
        render_kw={"rows": 8, "spellcheck": "false", "autocomplete": "off"},
    )
    seats = CountField(
        _("Seats, where a line does not say how many"),
        validators=[InputRequired(message=_("Please say how many students come."))],
    )
    department_id = SelectField(_("Department"), coerce=str)
    rows: Sequence[Row] = ()

    def offer(self, departments: Sequence[Department]) -> TimetableForm:
        if len(departments) > 1:
            choose = ("", gettext("choose a department"))
            self.department_id.choices = options([choose, *((str(one.id), one.name) for one in departments)])
        else:
            del self.department_id
        return self

    def chosen_department(self) -> UUID | None:
        chosen = self.department_id.data if "department_id" in self._fields else ""
        return UUID(chosen) if chosen else None

    def validate_file(self, field: Any) -> None:
        if not field.data:
            return
        try:
            self.text.data = text_of_file(field.data.read(MOST_BYTES + 1), most=MOST_BYTES, field=field.name)
        except Invalid as error:
            raise ValidationError(in_words(error)) from None

    def validate_text(self, field: Any) -> None:
        if self.file.errors:
            return
        try:
            self.rows = read_timetable(field.data or "", site().settings.timezone)
        except Invalid as error:
            raise ValidationError(in_words(error)) from None
