"""What people fill in about a machine: a later end, a colleague, a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import cast
from uuid import UUID

from flask_babel import lazy_gettext as _
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from portal.models import Account
from portal.web.forms.fields import DayField, PortalForm, options, stripped

TOO_LONG = _("Please keep it below %(max)d characters.")


class ExtendForm(PortalForm):
    ends_on = DayField(_("Keep it until"), validators=[InputRequired(message=_("Please choose a day."))])
    reason = TextAreaField(
        _("Reason"),
        description=_("Needed only for a day beyond the ordinary time: then an approver decides."),
        filters=[stripped],
        validators=[Length(max=1000, message=TOO_LONG)],
    )

    @property
    def chosen(self) -> date:
        """The day, once the form has been found right."""
        return cast(date, self.ends_on.data)


class ColleagueForm(PortalForm):
    account_id = SelectField(
        _("Colleague"), coerce=str, validators=[InputRequired(message=_("Please choose a person."))]
    )

    def offer(self, people: Sequence[Account]) -> ColleagueForm:
        """Nobody is chosen until the person does: a machine given away by mistake is gone."""
        self.names = {str(account.id): account.name for account in people}
        nobody = [("", str(_("choose a person")))] if self.names else []
        self.account_id.choices = options([*nobody, *self.names.items()])
        return self

    @property
    def chosen(self) -> UUID:
        return UUID(self.account_id.data)

    def name_of(self, account_id: str) -> str | None:
        """The name of somebody who is offered."""
        return self.names.get(account_id)


class SnapshotForm(PortalForm):
    name = StringField(
        _("Name"),
        description=_("Small letters, digits and hyphens, for example before-update."),
        filters=[stripped],
        validators=[DataRequired(message=_("Please write a name.")), Length(max=40, message=TOO_LONG)],
    )
    description = StringField(_("What for"), filters=[stripped], validators=[Length(max=200, message=TOO_LONG)])
