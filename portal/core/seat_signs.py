"""The signs by which a teacher sees a seat become ready: cloned, running, answering, in its network, doors open.

The first three are what readiness is made of. Network and doors are looked at beside it and hold up nobody: a door
may belong to a service that the student is to start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.core.errors import N_, Phrase


class Sign(StrEnum):
    CLONED = "cloned"  # its host said that all its machines are made
    RUNNING = "running"  # its host shows them all running
    ANSWERS = "answers"  # each by its agent; guests without one by their marker or port
    NETWORK = "network"  # each answers at its address, asked from inside the seat's network
    DOORS = "doors"  # each has accepted a connection once


class How(StrEnum):
    SEEN = "seen"
    NOT_YET = "not_yet"
    FAILED = "failed"  # here the seat was given up
    LOST = "lost"  # it was seen, and the last look did not find it any more
    NONE = "none"  # the lab has no such thing, or the seat was given up before


READINESS = (Sign.CLONED, Sign.RUNNING, Sign.ANSWERS)
STILL = {
    Sign.CLONED: N_("Its machines are still being made."),
    Sign.RUNNING: N_("Not all its machines run yet."),
    Sign.ANSWERS: N_("Its machines run, but not all of them answer yet."),
}
WITHOUT = {
    Sign.RUNNING: N_("Its machine %(machine)s does not run."),
    Sign.ANSWERS: N_("Its machine %(machine)s runs but does not answer."),
    Sign.NETWORK: N_("Its machine %(machine)s does not answer in its network."),
}


@dataclass(frozen=True)
class Traits:
    """What seats of a lab can show at all. `agent`: every machine is asked by its agent."""

    agent: bool = True
    answers: bool = True
    network: bool = True
    doors: bool = True

    def has(self, sign: Sign) -> bool:
        known = {Sign.ANSWERS: self.answers, Sign.NETWORK: self.network, Sign.DOORS: self.doors}
        return known.get(sign, True)


@dataclass(frozen=True)
class SignSeen:
    """`at` is the first success since the seat was made. `missing` names machines (or doors) that lacked it last."""

    sign: Sign
    how: How
    at: datetime | None = None
    missing: tuple[str, ...] = ()


def read_signs(
    times: Mapping[Sign, datetime | None],
    lacks: Mapping[str, Sequence[str]],
    traits: Traits,
    *,
    given_up: bool = False,
) -> tuple[SignSeen, ...]:
    """All five in their order. Whoever answers runs, and what runs was made, also where nobody wrote it down."""
    found: list[SignSeen] = []
    stuck = False
    for sign in Sign:
        later = any(times.get(other) for other in READINESS[READINESS.index(sign) :]) if sign in READINESS else False
        at, missing = times.get(sign), tuple(lacks.get(sign, ()))
        how = how_of(seen=bool(at or later), missing=bool(missing), is_door=sign == Sign.DOORS)
        if not traits.has(sign) or (given_up and stuck):
            how = How.NONE
        elif given_up and sign in READINESS and how != How.SEEN:
            how, stuck = How.FAILED, True
        found.append(SignSeen(sign, how, at, missing))
    return tuple(found)


def how_of(*, seen: bool, missing: bool, is_door: bool) -> How:
    """A door that closes again is the student's business."""
    if not seen:
        return How.NOT_YET
    return How.LOST if missing and not is_door else How.SEEN


def first_trouble(signs: Sequence[SignSeen]) -> SignSeen | None:
    """Where the seat stands still or what it lost; None when it serves. Doors never count, nor a network never seen."""
    for one in signs:
        if one.how in (How.LOST, How.FAILED) or (one.how == How.NOT_YET and one.sign in READINESS):
            return one
    return None


def words_of(found: SignSeen) -> Phrase:
    """What a teacher reads about it."""
    if found.missing and found.sign in WITHOUT:
        return Phrase(WITHOUT[found.sign], {"machine": found.missing[0]})
    return Phrase(STILL.get(found.sign, STILL[Sign.CLONED]))
