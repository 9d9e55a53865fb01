"""The tables: one file a noun. Import from here; rows change state only by move_to()."""

from __future__ import annotations

from portal.models.accounts import Account, Membership
from portal.models.audit import AuditEntry, AuditHead
from portal.models.base import Base
from portal.models.calendar_feeds import CalendarFeed
from portal.models.claims import Claim
from portal.models.class_series import ClassSeries
from portal.models.consoles import ConsoleTicket
from portal.models.department_labs import DepartmentLab, LabDraft, LabRelease, LabSubscription
from portal.models.departments import Department
from portal.models.hosts import Host
from portal.models.idempotency import IdempotencyKey
from portal.models.invitations import Invitation
from portal.models.keepings import Keeping
from portal.models.lab_sessions import LabSession, StepResult, Student
from portal.models.lab_trials import LabTrial
from portal.models.labs import Lab, LabVersion, SeatImage
from portal.models.leases import LeaseNotice
from portal.models.login_sessions import LoginSession
from portal.models.mails import Mail
from portal.models.own_machines import OwnMachine
from portal.models.rehearsals import Rehearsal
from portal.models.seats import Seat, SeatMachine
from portal.models.templates import Template, TemplateVersion
from portal.models.tokens import ApiToken
from portal.models.vm_requests import VmRequest
from portal.models.vms import Vm, VmUser
from portal.models.workers import Worker
from portal.models.workflows import Job, JobLine, Workflow, WorkflowStep

__all__ = [
    "Account",
    "ApiToken",
    "AuditEntry",
    "AuditHead",
    "Base",
    "CalendarFeed",
    "Claim",
    "ClassSeries",
    "ConsoleTicket",
    "Department",
    "DepartmentLab",
    "Host",
    "IdempotencyKey",
    "Invitation",
    "Job",
    "JobLine",
    "Keeping",
    "Lab",
    "LabDraft",
    "LabRelease",
    "LabSession",
    "LabTrial",
    "LabSubscription",
    "LabVersion",
    "LeaseNotice",
    "LoginSession",
    "Mail",
    "Membership",
    "OwnMachine",
    "Rehearsal",
    "Seat",
    "SeatImage",
    "SeatMachine",
    "StepResult",
    "Student",
    "Template",
    "TemplateVersion",
    "Vm",
    "VmRequest",
    "VmUser",
    "Worker",
    "Workflow",
    "WorkflowStep",
]
