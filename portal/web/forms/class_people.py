"""A list of people as teachers have it: pasted, or as a file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf.file import FileField
from wtforms import TextAreaField
from wtforms.validators import ValidationError

from portal.core.errors import Invalid
from portal.core.people import MOST_BYTES, Person, read_people
from portal.core.texts import text_of_file
from portal.web.forms.fields import PortalForm
from portal.web.languages import in_words


class PeopleForm(PortalForm):
    """What stands in the file comes into the text, so that it can be put right there. `persons` are read ones."""

    people_file = FileField(_("… or a file with the list"), description=_("CSV or text, at most 64 KiB."))
    people = TextAreaField(
        _("People"),
        description=_(
            "One on each line; after a comma, semicolon or tab their e-mail address, if they shall get "
            "their link by mail. Leave it empty if everybody comes in with the code."
        ),
        render_kw={"rows": 5, "spellcheck": "false", "autocomplete": "off"},
    )
    persons: tuple[Person, ...] = ()

    def validate_people_file(self, field: Any) -> None:
        if not field.data:
            return
        try:
            text = text_of_file(field.data.read(MOST_BYTES + 1), most=MOST_BYTES, field=field.name)
        except Invalid as error:
            raise ValidationError(in_words(error)) from None
        self.people.data = "\n".join(part for part in ((self.people.data or "").rstrip(), text) if part)

    def validate_people(self, field: Any) -> None:
        try:
            self.persons = read_people(field.data or "")
        except Invalid as error:
            raise ValidationError(in_words(error)) from None
