"""The states of each noun and the only legal moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from portal.core.errors import N_, Conflict


class VmRequestState(StrEnum):
    SUBMITTED = "submitted"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    PROVISIONING = "provisioning"
    FULFILLED = "fulfilled"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return not VM_REQUEST_MOVES[self]


class VmState(StrEnum):
    CLONING = "cloning"
    RUNNING = "running"
    STOPPED = "stopped"
    PARKED = "parked"
    RETIRED = "retired"
    ERROR = "error"


class JobState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"


class WorkflowState(StrEnum):
    """One durable sequence of steps, as people see it."""

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class HostState(StrEnum):
    ACTIVE = "active"
    DRAINING = "draining"
    MAINTENANCE = "maintenance"
    LOST = "lost"


class LabSessionState(StrEnum):
    """One class. `PREPARING`: its seats are being made; `READY`: they wait for the students; `RUNNING`: it goes on."""

    BOOKED = "booked"
    PREPARING = "preparing"
    READY = "ready"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return not LAB_SESSION_MOVES[self]


class ClassApproval(StrEnum):
    """Whether somebody else has to agree to a large class. `LAPSED`: nobody had decided when it was too late."""

    NOT_NEEDED = "not_needed"
    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    LAPSED = "lapsed"


class SeatState(StrEnum):
    """`REPLACED`: it failed and a spare one stands in; `KEPT`: its student goes on with it after the class."""

    BUILDING = "building"
    READY = "ready"
    TAKEN = "taken"
    REPLACED = "replaced"
    KEPT = "kept"
    GONE = "gone"


class KeepingState(StrEnum):
    """A student's wish to keep a seat. `KEPT`: the class is over and the seat is there; `OVER`: however it ended."""

    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"
    KEPT = "kept"
    OVER = "over"


class SeatImageState(StrEnum):
    """`FAILED`: seats of this lab are booted until it is tried again."""

    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


class LabTrialState(StrEnum):
    """`PASSED`: the lab is proven. `FAILED`: it is not, or its seat could not be made. `STOPPED`: before a result."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    STOPPED = "stopped"


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


S = TypeVar("S", bound=StrEnum)

VM_REQUEST_MOVES: Mapping[VmRequestState, frozenset[VmRequestState]] = {
    VmRequestState.SUBMITTED: frozenset({VmRequestState.APPROVED, VmRequestState.DENIED, VmRequestState.CANCELLED}),
    # an approved extension is fulfilled at once;
    # an approved request may wait for its first day; cancelled before that it never had a machine
    VmRequestState.APPROVED: frozenset(
        {VmRequestState.FULFILLED, VmRequestState.PROVISIONING, VmRequestState.CANCELLED, VmRequestState.FAILED}
    ),
    VmRequestState.PROVISIONING: frozenset({VmRequestState.FULFILLED, VmRequestState.FAILED, VmRequestState.CANCELLED}),
    VmRequestState.FAILED: frozenset({VmRequestState.PROVISIONING, VmRequestState.CANCELLED}),
    VmRequestState.FULFILLED: frozenset(),
    VmRequestState.DENIED: frozenset(),
    VmRequestState.CANCELLED: frozenset(),
}

VM_MOVES: Mapping[VmState, frozenset[VmState]] = {
    VmState.CLONING: frozenset({VmState.RUNNING, VmState.ERROR, VmState.RETIRED}),
    VmState.RUNNING: frozenset({VmState.STOPPED, VmState.PARKED, VmState.RETIRED, VmState.ERROR}),
    VmState.STOPPED: frozenset({VmState.RUNNING, VmState.PARKED, VmState.RETIRED, VmState.ERROR}),
    VmState.PARKED: frozenset({VmState.RUNNING, VmState.STOPPED, VmState.RETIRED, VmState.ERROR}),
    VmState.ERROR: frozenset({VmState.CLONING, VmState.RUNNING, VmState.STOPPED, VmState.PARKED, VmState.RETIRED}),
    VmState.RETIRED: frozenset(),
}

LAB_SESSION_MOVES: Mapping[LabSessionState, frozenset[LabSessionState]] = {
    LabSessionState.BOOKED: frozenset({LabSessionState.PREPARING, LabSessionState.CANCELLED}),
    # a preparation that failed altogether is undone and tried again until the class is over
    LabSessionState.PREPARING: frozenset(
        {LabSessionState.READY, LabSessionState.BOOKED, LabSessionState.CANCELLED, LabSessionState.ENDED}
    ),
    LabSessionState.READY: frozenset({LabSessionState.RUNNING, LabSessionState.CANCELLED, LabSessionState.ENDED}),
    LabSessionState.RUNNING: frozenset({LabSessionState.ENDED}),
    LabSessionState.ENDED: frozenset(),
    LabSessionState.CANCELLED: frozenset(),
}

SEAT_MOVES: Mapping[SeatState, frozenset[SeatState]] = {
    SeatState.BUILDING: frozenset({SeatState.READY, SeatState.TAKEN, SeatState.REPLACED, SeatState.GONE}),
    SeatState.READY: frozenset({SeatState.BUILDING, SeatState.TAKEN, SeatState.REPLACED, SeatState.GONE}),
    # a seat that is reset keeps its student: building, then taken again
    SeatState.TAKEN: frozenset({SeatState.BUILDING, SeatState.REPLACED, SeatState.KEPT, SeatState.GONE}),
    SeatState.REPLACED: frozenset({SeatState.GONE}),
    SeatState.KEPT: frozenset({SeatState.GONE}),
    SeatState.GONE: frozenset(),
}

LAB_TRIAL_MOVES: Mapping[LabTrialState, frozenset[LabTrialState]] = {
    LabTrialState.RUNNING: frozenset({LabTrialState.PASSED, LabTrialState.FAILED, LabTrialState.STOPPED}),
    LabTrialState.PASSED: frozenset(),
    LabTrialState.FAILED: frozenset(),
    LabTrialState.STOPPED: frozenset(),
}

KEEPING_MOVES: Mapping[KeepingState, frozenset[KeepingState]] = {
    KeepingState.ASKED: frozenset({KeepingState.GRANTED, KeepingState.DECLINED, KeepingState.OVER}),
    # a teacher may think again until the class ends
    KeepingState.GRANTED: frozenset({KeepingState.DECLINED, KeepingState.KEPT, KeepingState.OVER}),
    KeepingState.DECLINED: frozenset({KeepingState.ASKED, KeepingState.GRANTED, KeepingState.OVER}),
    KeepingState.KEPT: frozenset({KeepingState.OVER}),
    KeepingState.OVER: frozenset({KeepingState.ASKED}),  # a student who took the question back asks again
}


def check_move(moves: Mapping[S, frozenset[S]], old: S, new: S) -> None:
    """Raise Conflict unless the move is legal. Moving to the same state is never legal: steps look first."""
    if new not in moves[old]:
        raise Conflict(N_("This cannot become “%(new)s”: it is “%(old)s”."), old=str(old), new=str(new))
