"""What a student fills in to join a class."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from portal.services.students import LONGEST_KEY, MOST_IN_NAME
from portal.web.forms.fields import PortalForm


class JoinForm(PortalForm):
    code = StringField(
        _("Code of the class"),
        description=_("Your teacher has it. Capitals, spaces and hyphens do not matter."),
        validators=[DataRequired(message=_("Please write the code that your teacher gave you.")), Length(max=40)],
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )
    name = StringField(
        _("Your name"),
        description=_("So that your teacher knows who sits where."),
        validators=[DataRequired(message=_("Please write your name.")), Length(max=MOST_IN_NAME)],
        render_kw={"autocomplete": "name", "maxlength": MOST_IN_NAME},
    )


class BackForm(PortalForm):
    key = StringField(
        _("Personal key"),
        description=_("What stands behind the # of your personal link."),
        validators=[DataRequired(message=_("Please open your personal link again.")), Length(max=LONGEST_KEY)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
