"""Ordinary rows for tests; each changes by name: make_vm(db, state=...). Ada asks, Grace decides, Tom teaches."""

from __future__ import annotations

from tests.factories.accounts import actor_for, make_account, make_department
from tests.factories.classes import make_lab_session, make_lab_spec, make_lab_version, make_seat, make_student
from tests.factories.cluster import make_host, make_template, make_template_version, spec_data
from tests.factories.machines import make_vm, make_vm_request
from tests.factories.queues import ListQueue

__all__ = [
    "ListQueue",
    "actor_for",
    "make_account",
    "make_department",
    "make_host",
    "make_lab_session",
    "make_lab_spec",
    "make_lab_version",
    "make_seat",
    "make_student",
    "make_template",
    "make_template_version",
    "make_vm",
    "make_vm_request",
    "spec_data",
]
