"""What is filled in about people: a new account, roles, passwords, tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, PasswordField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core.policy import HOUSE_ROLES, Grant, Role
from portal.models import Account, Department
from portal.services.tokens import LONGEST_DAYS
from portal.web.forms.fields import CountField, PortalForm, options, stripped
from portal.web.languages import LANGUAGES

ROLE_NAMES = {
    Role.REQUESTER: _("orders machines"),
    Role.APPROVER: _("approves"),
    Role.TEACHER: _("teaches"),
    Role.STUDENT: _("learns"),
    Role.ADMIN: _("administrator of the whole house"),
    Role.AUDITOR: _("auditor of the whole house"),
}
WHOLE_HOUSE = "*"
PASSWORD_HINT = _("At least 14 characters: four words make a good one.")


class GrantsField(SelectMultipleField):
    """One box for each role in each department; values are "role@department"."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class GrantsForm(PortalForm):
    grants = GrantsField(_("Roles"), choices=[])

    def offer(self, departments: Sequence[Department]) -> None:
        everywhere = [(f"{role}@{WHOLE_HOUSE}", str(ROLE_NAMES[role])) for role in Role if role in HOUSE_ROLES]
        local = [
            (f"{role}@{department.id}", f"{department.name}: {ROLE_NAMES[role]}")
            for department in departments
            for role in Role
            if role not in HOUSE_ROLES
        ]
        self.grants.choices = options(local + everywhere)

    @property
    def chosen(self) -> list[Grant]:
        return [grant_of(text) for text in self.grants.data or []]


def grant_of(text: str) -> Grant:
    role, _at, place = text.partition("@")
    return Grant(Role(role), None if place == WHOLE_HOUSE else UUID(place))


def grant_texts(account: Account) -> list[str]:
    return [f"{one.role}@{one.department_id or WHOLE_HOUSE}" for one in account.memberships]


class NewAccountForm(GrantsForm):
    login = StringField(
        _("User name"),
        description=_("3 to 40 small letters, digits, dots and hyphens."),
        filters=[stripped],
        validators=[DataRequired(message=_("Please write a user name.")), Length(max=40)],
        render_kw={"autocomplete": "off", "autocapitalize": "none"},
    )
    name = StringField(
        _("Name of the person"),
        filters=[stripped],
        validators=[DataRequired(message=_("Please write the person's name.")), Length(max=200)],
        render_kw={"autocomplete": "off"},
    )
    email = StringField(
        _("Mail address"),
        filters=[stripped],
        validators=[DataRequired(message=_("Please write a mail address.")), Length(max=254)],
        render_kw={"autocomplete": "off", "type": "email"},
    )
    locale = SelectField(_("Language"), choices=options(LANGUAGES.items()), default="es")
    password = PasswordField(
        _("First password"),
        description=PASSWORD_HINT,
        validators=[DataRequired(message=_("Please write a password.")), Length(max=200)],
        render_kw={"autocomplete": "new-password"},
    )


class SetPasswordForm(PortalForm):
    password = PasswordField(
        _("New password"),
        description=PASSWORD_HINT,
        validators=[DataRequired(message=_("Please write a password.")), Length(max=200)],
        render_kw={"autocomplete": "new-password"},
    )


class OwnPasswordForm(PortalForm):
    old_password = PasswordField(
        _("Present password"),
        validators=[DataRequired(message=_("Please write your present password.")), Length(max=200)],
        render_kw={"autocomplete": "current-password"},
    )
    password = PasswordField(
        _("New password"),
        description=PASSWORD_HINT,
        validators=[DataRequired(message=_("Please write a password.")), Length(max=200)],
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        _("New password once more"),
        validators=[
            DataRequired(message=_("Please write it once more.")),
            EqualTo("password", message=_("The two are not the same.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )
    end_tokens = BooleanField(_("End my tokens for programs too"))


class TokenForm(PortalForm):
    name = StringField(
        _("Name of the token"),
        description=_("What uses it, for example “inventory script”."),
        filters=[stripped],
        validators=[DataRequired(message=_("Please write a name.")), Length(max=100)],
        render_kw={"autocomplete": "off"},
    )
    days = CountField(
        _("Days"),
        default=30,
        validators=[
            InputRequired(message=_("Say for how many days.")),
            NumberRange(1, LONGEST_DAYS, message=_("Between 1 and 90 days.")),
        ],
    )


def departments_of(account: Account) -> Iterable[str]:
    """The roles in words: "Farmacia: approves"."""
    for one in account.memberships:
        words = str(ROLE_NAMES[one.role])
        yield f"{one.department.name}: {words}" if one.department else words
