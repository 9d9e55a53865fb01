"""A student asks whether a step is done: the tries are kept, and no transaction waits for a guest."""

from __future__ import annotations

from uuid import UUID

from portal.services import checks
from portal.services.checks import CheckOutcome, Eyes
from portal.site import Site


def check_step(site: Site, *, student_id: UUID, step: str) -> CheckOutcome:
    """Run a step's checks on the student's seat and keep the result.

    Raises Conflict while there is nothing to check: no seat, the class is not on, or a check was asked for just now.
    """
    with site.write_sessions.begin() as db:
        begun = checks.begin_try(db, student_id, step, site.clock())
    outcome = checks.look(Eyes(site.hypervisor, site.doors), begun.step, begun.place, begun.locale)
    with site.write_sessions.begin() as db:
        checks.note_try(db, student_id, step, outcome, site.clock())
    return outcome
