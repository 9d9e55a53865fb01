"""What is filled in about a department: its names and what it may take."""

from __future__ import annotations

from typing import Self

from flask_babel import lazy_gettext as _
from wtforms import StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from portal.core.quota import Amount
from portal.web.forms.fields import CountField, PortalForm, stripped

MOST = 100_000


def count_field(label: str) -> CountField:
    return CountField(
        label,
        validators=[
            InputRequired(message=_("Please write a number; 0 is nothing.")),
            NumberRange(0, MOST, message=_("Between 0 and 100,000.")),
        ],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )


class DepartmentForm(PortalForm):
    name = StringField(
        _("Name of the department"),
        filters=[stripped],
        validators=[DataRequired(message=_("Please write the department's name.")), Length(max=200)],
        render_kw={"autocomplete": "off"},
    )
    machines = count_field(_("Machines"))
    vcpus = count_field(_("Processors"))
    memory_gib = count_field(_("Memory, in GB"))
    disk_gib = count_field(_("Disk, in GB"))

    def show(self, limit: Amount) -> Self:
        """Fill in a limit."""
        self.machines.data, self.vcpus.data = limit.machines, limit.vcpus
        self.memory_gib.data, self.disk_gib.data = -(-limit.memory_mib // 1024), limit.disk_gib
        return self

    @property
    def limit(self) -> Amount:
        machines, vcpus, memory_gib, disk_gib = (
            field.data or 0 for field in (self.machines, self.vcpus, self.memory_gib, self.disk_gib)
        )
        return Amount(machines, vcpus, memory_gib * 1024, disk_gib)


class NewDepartmentForm(DepartmentForm):
    slug = StringField(
        _("Short name"),
        description=_("3 to 40 small letters, digits and hyphens. It cannot be changed later."),
        filters=[stripped],
        validators=[DataRequired(message=_("Please write a short name.")), Length(max=40)],
        render_kw={"autocomplete": "off", "autocapitalize": "none"},
    )
