"""What a teacher fills in to book a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField, TimeField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.core import recurrence
from portal.core.errors import InvalidOrder, PortalError
from portal.core.labs import LabSpec
from portal.core.languages import GUIDE_LANGUAGES
from portal.models import Department
from portal.services.lab_sessions import Wish
from portal.web.forms.class_people import PeopleForm
from portal.web.forms.fields import CountField, DayField, PortalForm, options, stripped
from portal.web.languages import current_language, in_words

BOTH = ",".join(GUIDE_LANGUAGES)
ONCE, WEEKLY, LISTED = "once", "weekly", "listed"
DAY_FORMATS = ("%d/%m/%Y", "%Y-%m-%d")
MOST_LINES = 60
NEVER_BROUGHT = frozenset({"csrf_token", "people", "people_file"})  # names of people stand in no address


class ClockField(TimeField):
    """A time of day as people write it: 10:00."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        if not any(text.strip() for text in valuelist):
            self.data = None
            return
        try:
            super().process_formdata([text.strip() for text in valuelist])
        except ValueError:
            raise ValidationError(gettext("Write a time as hours:minutes, for example 10:00.")) from None


def languages_field() -> SelectField:
    """The first language leads: who reads neither gets it."""
    choices = [
        (BOTH, _("Spanish and English")),
        ("en,es", _("English and Spanish")),
        ("es", _("only Spanish")),
        ("en", _("only English")),
    ]
    description = _("Students read guide and page in their own language if it is among them, else in the first one.")
    return SelectField(_("Languages"), choices=options(choices), default=BOTH, description=description)


class MoveForm(PortalForm):
    """Another time for one date of a class."""

    day = DayField(_("Day"), validators=[InputRequired(message=_("Please choose a day."))])
    at = ClockField(_("Begins at"), validators=[InputRequired(message=_("Please choose a time."))])

    def starts_at(self, timezone: str) -> datetime:
        """Raises Invalid for a time that the clocks skip or show twice."""
        return recurrence.moment(self.day.data or date.min, self.at.data or time(), timezone)

    def show_trouble(self, error: PortalError) -> None:
        """Each mistake beside its field."""
        for one in error.errors if isinstance(error, InvalidOrder) else (error,):
            self.add_problem(one.field, in_words(one))


class BookForm(PeopleForm, MoveForm):
    lab = SelectField(_("Lab"), coerce=str, validators=[InputRequired(message=_("Please choose a lab."))])
    department_id = SelectField(_("Department"), coerce=str)
    minutes = CountField(_("Minutes"), validators=[InputRequired(message=_("Please say how long it lasts."))])
    seats = CountField(
        _("Seats"),
        description=_("How many students come, 40 at most. Some spare seats are made beside them."),
        validators=[InputRequired(message=_("Please say how many students come."))],
    )
    room = StringField(
        _("Room"), filters=[stripped], validators=[Length(max=120, message=_("The room's name is too long."))]
    )
    languages = languages_field()
    repeat = RadioField(
        _("Repeat"),
        choices=options([(ONCE, _("only once")), (WEEKLY, _("every week")), (LISTED, _("on other days too"))]),
        default=ONCE,
    )
    times = CountField(_("How many weeks"), description=_("The first one included; only if it is every week."))
    dates = TextAreaField(
        _("Other days"),
        description=_("One on each line, as 30/06/2027; only if it is on other days too."),
        validators=[Length(max=2000, message=_("Please keep it below %(max)d characters."))],
    )

    only_listed = BooleanField(
        _("Only people on the list"), description=_("Then the code of the class opens nothing; personal links do.")
    )

    def offer(self, labs: Sequence[LabSpec], departments: Sequence[Department]) -> BookForm:
        """What may be chosen; a department only where there is a choice."""
        language = current_language()
        titles = [lab.title.read(language) for lab in labs]
        # a department's clone is often called as its origin is
        named = [
            (lab.slug, f"{title} ({lab.slug})" if titles.count(title) > 1 else title)
            for lab, title in zip(labs, titles, strict=True)
        ]
        self.lab.choices = options([("", gettext("choose a lab")), *named])
        if len(departments) > 1:
            choose = ("", gettext("choose a department"))
            self.department_id.choices = options([choose, *((str(one.id), one.name) for one in departments)])
        else:
            del self.department_id
        return self

    def fill(self, values: Mapping[str, str]) -> BookForm:
        """What an address brings along, as a link to another time does; nonsense is left out."""
        for name, field in self._fields.items():
            if name in values and name not in NEVER_BROUGHT:
                before = field.data
                try:
                    field.process_formdata([values[name]])
                    field.raw_data = [values[name]]  # what is shown of it
                except (ValueError, ValidationError):
                    field.data = before
        return self

    def wish(self, timezone: str) -> Wish:
        """What was filled in. Raises Invalid for dates that cannot be read and times that are none."""
        chosen = self.department_id.data if "department_id" in self._fields else ""
        return Wish(
            lab=self.lab.data,
            starts_at=recurrence.moments(self.days(), self.at.data or time(), timezone),
            minutes=self.minutes.data or 0,
            seats=self.seats.data or 0,
            room=self.room.data or "",
            department_id=UUID(chosen) if chosen else None,
            people=self.persons,
            only_listed=bool(self.only_listed.data),
            languages=tuple(self.languages.data.split(",")),
        )

    def days(self) -> tuple[date, ...]:
        first = self.day.data or date.min
        if self.repeat.data == WEEKLY:
            return recurrence.weekly(first, min(max(self.times.data or 1, 1), 1000))
        if self.repeat.data == LISTED:
            return recurrence.listed([first, *map(read_day, self.lines())])
        return (first,)

    def lines(self) -> list[str]:
        return [line.strip() for line in (self.dates.data or "").replace(",", "\n").splitlines() if line.strip()]

    def validate_dates(self, _field: Any) -> None:
        if self.repeat.data != LISTED:
            return
        for line in self.lines():
            try:
                read_day(line)
            except ValueError:
                raise ValidationError(
                    gettext("“%(text)s” is no day. Write it as day/month/year, for example 30/06/2027.", text=line[:40])
                ) from None

    def validate_times(self, field: CountField) -> None:
        if self.repeat.data == WEEKLY and not 1 <= (field.data or 0) <= recurrence.MOST_DATES:
            raise ValidationError(gettext("Between 1 and %(most)s weeks.", most=recurrence.MOST_DATES))


def read_day(text: str) -> date:
    """Raises ValueError."""
    for format in DAY_FORMATS:
        try:
            return datetime.strptime(text, format).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    raise ValueError(text)
