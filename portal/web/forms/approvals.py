"""What an approver fills in: changes to an order before approving it, or the reason of a denial."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import SelectField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from portal.core.templates import Range, Size
from portal.models import VmRequest
from portal.web.forms.fields import CountField, DayField, PortalForm, options, stripped

QUANTITIES = ("vcpus", "memory_mib", "disk_gib")


class ApprovalForm(PortalForm):
    """Empty fields leave the order as it is. `size` gets its choices from the page."""

    size = SelectField(_("Size"), validators=[Optional()], choices=[], validate_choice=False)
    copies = CountField(
        _("Number of copies"),
        validators=[Optional(), NumberRange(1, 30, message=_("Between 1 and 30 copies."))],
    )
    vcpus = CountField(_("Processors of each machine"), validators=[Optional()])
    memory_mib = CountField(_("Memory of each machine, in MiB"), validators=[Optional()])
    disk_gib = CountField(_("Disk of each machine, in GiB"), validators=[Optional()])
    ends_on = DayField(_("Until"), validators=[Optional()])
    comment = TextAreaField(
        _("A word to the person"),
        filters=[stripped],
        validators=[Length(max=1000, message=_("Please keep it below %(max)d characters."))],
    )


class DenialForm(PortalForm):
    """A denial without a reason helps nobody, so the reason is obligatory."""

    reason = TextAreaField(
        _("Reason"),
        description=_("The person reads it in the mail and on the page."),
        filters=[stripped],
        validators=[
            DataRequired(message=_("Say why, in a sentence: the person needs it to ask better.")),
            Length(max=1000, message=_("Please keep it below %(max)d characters.")),
        ],
    )


class ClassDecisionForm(PortalForm):
    """Agreeing to a class needs no words."""

    comment = TextAreaField(filters=[stripped], validators=[Length(max=1000)])


def approval_form(
    vm_request: VmRequest, sizes: Sequence[tuple[str, str]], *, ordered: Size | None, fresh: bool = False
) -> ApprovalForm:
    """The order's own values stand in the form; `fresh` takes nothing from what the browser has just sent.

    Quantities can be moved where the `ordered` size leaves room for it.
    """
    asked = {name: getattr(vm_request, name) for name in ("size", "copies", "ends_on", *QUANTITIES)}
    form = ApprovalForm(formdata=None, data=asked) if fresh else ApprovalForm(data=asked)
    form.size.choices = options(sizes)
    for name in QUANTITIES:
        limits: Range | None = getattr(ordered, name) if ordered else None
        if limits is None or limits.minimum == limits.maximum:
            del form[name]
        else:
            form[name].description = gettext(
                "Between %(least)s and %(most)s for this size.", least=limits.minimum, most=limits.maximum
            )
            form[name].render_kw = {"min": limits.minimum, "max": limits.maximum}
    return form
