"""What a teacher fills in to change a class, or several dates of a series."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length

from portal.core.series import Scope
from portal.models import LabSession
from portal.services.class_targets import Change
from portal.web.forms.fields import CountField, options, stripped
from portal.web.forms.lab_sessions import MoveForm, languages_field


def scope_words(counts: Mapping[Scope, int]) -> list[tuple[str, str]]:
    """Each choice with how many dates it is about."""
    words = {
        Scope.THIS: lambda count: gettext("only this date"),
        Scope.FOLLOWING: lambda count: ngettext(
            "this one and the following (%(num)d date)", "this one and the following (%(num)d dates)", count
        ),
        Scope.ALL: lambda count: ngettext(
            "all that are still to come (%(num)d date)", "all that are still to come (%(num)d dates)", count
        ),
    }
    return [(str(scope), words[scope](count)) for scope, count in counts.items()]


class ChangeForm(MoveForm):
    """Another day, time, number of seats, room or languages; of one date or of several."""

    seats = CountField(_("Seats"), validators=[InputRequired(message=_("Please say how many students come."))])
    room = StringField(
        _("Room"), filters=[stripped], validators=[Length(max=120, message=_("The room's name is too long."))]
    )
    languages = languages_field()
    scope = RadioField(
        _("Which dates"),
        description=_("If the time changes, the other dates move by as many days and minutes as this one."),
    )

    def offer(self, counts: Mapping[Scope, int]) -> ChangeForm:
        """Where there is one date only, nothing is to choose."""
        if len(counts) > 1:
            self.scope.choices = options(scope_words(counts))
        else:
            del self.scope
        return self

    @property
    def chosen_scope(self) -> Scope:
        return Scope(self.scope.data) if "scope" in self._fields else Scope.THIS

    def change(self, lab_session: LabSession, timezone: str) -> Change:
        """Only what differs: a room that is the same here may be another one on the other dates, and stays so."""
        starts_at, languages = self.starts_at(timezone), tuple(self.languages.data.split(","))
        return Change(
            starts_at=starts_at if starts_at != lab_session.starts_at else None,
            seats=self.seats.data if self.seats.data != lab_session.seats else None,
            room=self.room.data if (self.room.data or "") != lab_session.room else None,
            languages=languages if list(languages) != lab_session.languages else None,
        )
