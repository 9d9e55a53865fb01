"""What is filled in while a department writes its own lab: files, what it is about, its machines, what is new."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Regexp

from portal.core.lab_outlines import LabOutline, OutlinedMachine
from portal.core.labs import Level
from portal.core.templates import TemplateSpec
from portal.models import Department
from portal.services.lab_releases import LONGEST_NEWS
from portal.web.forms.fields import CountField, PortalForm, options, stripped

MISSING = _("Please fill this in.")
TOO_LONG = _("Please keep it below %(max)d characters.")
HOST_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
Values = Mapping[tuple[str | int, ...], Any]


class DraftForm(PortalForm):
    """Each form knows which state of the draft its answers are about."""

    revision = HiddenField()

    def about(self, revision: int) -> None:
        self.revision.data = str(revision)

    @property
    def seen(self) -> int:
        """0 for nonsense: no draft has that revision."""
        text = str(self.revision.data or "")
        return int(text) if text.isdigit() and len(text) < 10 else 0


class CloneForm(PortalForm):
    department_id = SelectField(_("For which department"), coerce=str)
    name = StringField(
        _("Short name"),
        description=_("Small letters, digits and hyphens. It cannot be changed later; the title can."),
        filters=[stripped],
        validators=[DataRequired(message=_("Please write a short name.")), Length(max=60, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "maxlength": 60},
    )

    def offer(self, departments: Sequence[Department]) -> CloneForm:
        """A department only where there is a choice."""
        if len(departments) == 1:
            del self.department_id
        else:
            choose = ("", gettext("choose a department"))
            self.department_id.choices = options([choose, *((str(one.id), one.name) for one in departments)])
        return self


class TextForm(DraftForm):
    text = TextAreaField(_("Text"), render_kw={"spellcheck": "false", "autocomplete": "off"})


class ScriptForm(DraftForm):
    name = StringField(
        _("New script"),
        description=_("Such as checks/name.sh or solutions/name.sh; lab.yml says which step it belongs to."),
        filters=[stripped],
        validators=[DataRequired(message=_("Please write a name.")), Length(max=80, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "maxlength": 80},
    )


def words_field(label: str, *, most: int, long: bool = False) -> Any:
    kind = TextAreaField if long else StringField
    validators = [DataRequired(message=MISSING), Length(max=most, message=TOO_LONG)]
    return kind(label, filters=[stripped], validators=validators, render_kw={"autocomplete": "off"})


class AboutForm(DraftForm):
    title_es = words_field(_("Title in Spanish"), most=120)
    title_en = words_field(_("Title in English"), most=120)
    summary_es = words_field(_("Summary in Spanish"), most=2000, long=True)
    summary_en = words_field(_("Summary in English"), most=2000, long=True)
    subject = StringField(
        _("What it is about"),
        description=_("One of linux, web, imaging, messages, network, security, or a short word of your own."),
        filters=[stripped],
        validators=[
            DataRequired(message=MISSING),
            Regexp(r"^[a-z0-9][a-z0-9-]{0,58}$", message=_("Small letters, digits and hyphens.")),
        ],
        render_kw={"autocomplete": "off", "autocapitalize": "none"},
    )
    level = SelectField(_("Level"))
    minutes = CountField(
        _("Minutes"),
        validators=[InputRequired(message=MISSING), NumberRange(5, 600, message=_("Between 5 and 600."))],
        render_kw={"inputmode": "numeric"},
    )

    def offer(self, levels: Mapping[Level, str]) -> AboutForm:
        self.level.choices = options((level.value, gettext(words)) for level, words in levels.items())
        return self

    def show(self, outline: LabOutline) -> AboutForm:
        self.title_es.data, self.title_en.data = outline.title.es, outline.title.en
        self.summary_es.data, self.summary_en.data = outline.summary.es, outline.summary.en
        self.subject.data, self.level.data, self.minutes.data = outline.subject, outline.level, outline.minutes
        return self

    def values(self) -> Values:
        return {
            ("title",): {"es": self.title_es.data, "en": self.title_en.data},
            ("summary",): {"es": self.summary_es.data, "en": self.summary_en.data},
            ("subject",): self.subject.data,
            ("level",): self.level.data,
            ("minutes",): self.minutes.data,
        }


class MachinesForm(DraftForm):
    """One field for each machine, made by `machines_form`: a template and one of its sizes are one choice."""

    places: Mapping[str, int] = {}  # of each field's machine in lab.yml

    def machine_fields(self) -> list[Any]:
        return [self._fields[name] for name in self.places]

    def values(self) -> Values:
        chosen = [(number, self._fields[name].data.split("/", 1)) for name, number in self.places.items()]
        return {
            ("machines", number, part): value
            for number, pair in chosen
            for part, value in zip(("template", "size"), pair, strict=True)
        }


def machines_form(
    machines: Sequence[OutlinedMachine], templates: Sequence[TemplateSpec], language: str
) -> MachinesForm:
    """A class of its own for these machines, as WTForms wants fields to be known.

    A field is called after its machine: an answer never lands at another one that has taken its place meanwhile.
    """
    offered = [
        (f"{template.slug}/{size.slug}", f"{template.name.read(language)} · {size.label.read(language)}")
        for template in templates
        for size in template.sizes
    ]
    named = {field_name(machine, number): (number, machine) for number, machine in enumerate(machines)}
    fields: dict[str, Any] = {
        name: SelectField(label_of(machine, language), choices=choices_of(machine, offered))
        for name, (_number, machine) in named.items()
    }
    fields["places"] = {name: number for name, (number, _machine) in named.items()}
    form: MachinesForm = type("MachinesFormOfLab", (MachinesForm,), fields)(
        data={name: value_of(machine) for name, (_number, machine) in named.items()}
    )
    return form


def field_name(machine: OutlinedMachine, number: int) -> str:
    return f"machine_{machine.name}" if HOST_NAME.fullmatch(machine.name) else f"machine_{number}"


def label_of(machine: OutlinedMachine, language: str) -> str:
    words = machine.label.read(language)
    return f"{machine.name} – {words}" if words else machine.name


def value_of(machine: OutlinedMachine) -> str:
    return f"{machine.template}/{machine.size}"


def choices_of(machine: OutlinedMachine, offered: Sequence[tuple[str, str]]) -> list[Any]:
    """What it is now stays a choice, also where it cannot be had (any more): nothing changes without a word."""
    present = value_of(machine)
    if any(value == present for value, _words in offered):
        return options(offered)
    words = gettext("%(template)s · %(size)s (cannot be used)", template=machine.template, size=machine.size)
    return options([(present, words), *offered])


class PublishForm(DraftForm):
    news = StringField(
        _("What is new"),
        description=_("One line that the departments read before they take this version."),
        filters=[stripped],
        validators=[Length(max=LONGEST_NEWS, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "maxlength": LONGEST_NEWS},
    )
