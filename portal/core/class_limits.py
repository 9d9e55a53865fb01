"""How large a class may be before somebody else has to agree to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ApprovalLimit:
    """What a class may take on its teacher's word alone; 0: as much as fits.

    Memory is of all its seats together, the spare ones too, for they are made as well.
    """

    seats: int = 0
    memory_mib: int = 0

    def is_passed_by(self, *, seats: int, memory_mib: int) -> bool:
        return 0 < self.seats < seats or 0 < self.memory_mib < memory_mib


NO_LIMIT = ApprovalLimit()
