"""To whom a department offers its lab."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _
from wtforms import RadioField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from portal.models import Department, DepartmentLab
from portal.web.forms.fields import PortalForm, options

NOBODY, SOME, ALL = "nobody", "some", "all"


class DepartmentsField(SelectMultipleField):
    """One box for each department."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class OfferForm(PortalForm):
    to = RadioField(
        _("Who may subscribe"),
        choices=options([(NOBODY, _("nobody")), (SOME, _("these departments")), (ALL, _("all departments"))]),
        default=NOBODY,
    )
    departments = DepartmentsField(_("Departments"), choices=[])

    def offer(self, departments: Sequence[Department]) -> OfferForm:
        self.departments.choices = options((one.slug, one.name) for one in departments)
        return self

    def show(self, published: DepartmentLab) -> OfferForm:
        self.to.data = ALL if published.offered_to_all else SOME if published.offered_to else NOBODY
        self.departments.data = list(published.offered_to)
        return self

    @property
    def chosen(self) -> list[str]:
        return list(self.departments.data or []) if self.to.data == SOME else []
