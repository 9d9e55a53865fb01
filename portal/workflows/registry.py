"""All sequences by the name under which they stand in the queue."""

from __future__ import annotations

from collections.abc import Mapping

from portal.workflows.bring_seat import BRING_SEAT
from portal.workflows.end_class import END_CLASS
from portal.workflows.end_keeping import END_KEEPING
from portal.workflows.lab_trials import TRY_LAB
from portal.workflows.own_machines import PROVISION_FROM_SEAT
from portal.workflows.prepare_class import PREPARE_CLASS
from portal.workflows.provision import PROVISION
from portal.workflows.rehearse_class import REHEARSE_CLASS
from portal.workflows.reset_seat import RESET_SEAT
from portal.workflows.retire import RETIRE
from portal.workflows.revive_seat import REVIVE_SEAT
from portal.workflows.sequence import Sequence

SEQUENCES: Mapping[str, Sequence] = {
    sequence.name: sequence
    for sequence in (
        PROVISION,
        PROVISION_FROM_SEAT,
        RETIRE,
        PREPARE_CLASS,
        END_CLASS,
        RESET_SEAT,
        BRING_SEAT,
        REHEARSE_CLASS,
        END_KEEPING,
        REVIVE_SEAT,
        TRY_LAB,
    )
}
