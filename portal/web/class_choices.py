"""Where somebody may begin again: the beginning, or one of these steps of the lab. For students and teachers alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from portal.core.labs import LabStep
from portal.web.languages import current_language


@dataclass(frozen=True)
class Choices:
    """Radio buttons of a question (components/confirm.html); the first is chosen. `options` are (value, label)."""

    name: str
    legend: str
    hint: str
    options: tuple[tuple[str, str], ...]


def again_choices(steps: Sequence[LabStep], *, beginning_step: str) -> Choices:
    """The beginning is `beginning_step`: its guide opens there too, and all is to be done again."""
    later = tuple(
        (step.slug, _("Step %(number)s: %(title)s", number=number, title=step.title.read(current_language())))
        for number, step in enumerate(steps, start=1)
        if number > 1
    )
    return Choices(
        name="step",
        legend=_("Begin again at"),
        hint=_(
            "Before a later step, the steps up to it are done as in the model solution, not as they were done here. "
            "From the chosen step on, everything is to be done again."
        ),
        options=((beginning_step, _("The beginning: the machines as they were at first")), *later),
    )
