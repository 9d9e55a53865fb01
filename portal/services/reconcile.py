"""Compares the database with the cluster, and heals what nobody owns or what drifted apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from portal.interfaces import Hypervisor, PlaybookRunner


class FindingKind(StrEnum):
    HOST_SILENT = "host_silent"
    UNKNOWN_MACHINE = "unknown_machine"  # on a host, in no row
    MISSING_MACHINE = "missing_machine"  # in a row, on no host
    WRONG_HOST = "wrong_host"
    STATE_DRIFT = "state_drift"
    UNKNOWN_FOLDER = "unknown_folder"  # disk and seed that nobody owns
    UNKNOWN_RESERVATION = "unknown_reservation"  # DHCP
    UNKNOWN_CLAIM = "unknown_claim"


@dataclass(frozen=True)
class Finding:
    """`heal` says in words what healing would do; empty when a person has to look."""

    kind: FindingKind
    host: str
    what: str
    detail: str
    heal: str


@dataclass(frozen=True)
class Report:
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        return not self.findings


@dataclass(frozen=True)
class Healed:
    healed: tuple[Finding, ...]
    left: tuple[tuple[Finding, str], ...]  # with the reason


def compare(db: Session, *, hypervisor: Hypervisor) -> Report:
    raise NotImplementedError


def heal(db: Session, *, report: Report, hypervisor: Hypervisor, playbooks: PlaybookRunner, now: datetime) -> Healed:
    raise NotImplementedError
