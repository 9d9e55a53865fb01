"""Who may do what: roles, permissions, and the matrix between them. What is not listed is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    REQUESTER = "requester"
    APPROVER = "approver"
    TEACHER = "teacher"
    STUDENT = "student"
    ADMIN = "admin"  # of the whole house
    AUDITOR = "auditor"  # of the whole house, reads only


class Permission(StrEnum):
    """A permission ends in where it counts: `_any` the whole house, else the departments of the role."""

    SEE_CATALOGUE = "see_catalogue"
    SUBMIT = "submit"
    SEE_DEPARTMENT = "see_department"  # requests and machines of the department
    SEE_MACHINES = "see_machines"  # the lists and pages of machines: own and shared ones, else as SEE_DEPARTMENT says
    USE_MACHINE = "use_machine"  # own or shared machines: power, consoles, snapshots
    MANAGE_MACHINES = "manage_machines"  # all machines of the department
    APPROVE = "approve"
    SEE_HOSTS = "see_hosts"
    MANAGE_HOSTS = "manage_hosts"
    MANAGE_ACCOUNTS = "manage_accounts"
    SEE_AUDIT = "see_audit"
    SEE_MAILS = "see_mails"
    SEE_WORKFLOWS = "see_workflows"
    MANAGE_TEMPLATES = "manage_templates"
    SEE_LABS = "see_labs"
    TEACH = "teach"  # book classes and run them; whose class it is, the services check
    MANAGE_LABS = "manage_labs"


P = Permission
ORDERING = frozenset({P.SEE_CATALOGUE, P.SUBMIT, P.SEE_DEPARTMENT, P.SEE_MACHINES, P.USE_MACHINE})
ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.REQUESTER: ORDERING,
    Role.APPROVER: frozenset({*ORDERING, P.APPROVE}),
    Role.TEACHER: frozenset({*ORDERING, P.SEE_LABS, P.TEACH}),
    Role.STUDENT: frozenset({P.SEE_MACHINES, P.USE_MACHINE}),
    Role.ADMIN: frozenset(P) - {P.SEE_AUDIT},  # the administrator is not the auditor (ENS op.acc.3)
    Role.AUDITOR: frozenset(
        {P.SEE_CATALOGUE, P.SEE_DEPARTMENT, P.SEE_MACHINES, P.SEE_HOSTS, P.SEE_AUDIT, P.SEE_WORKFLOWS, P.SEE_LABS}
    ),
}
HOUSE_ROLES = frozenset({Role.ADMIN, Role.AUDITOR})


@dataclass(frozen=True)
class Grant:
    """A role somewhere: `department_id` is None for the whole house."""

    role: Role
    department_id: UUID | None


@dataclass(frozen=True)
class Actor:
    """The person on whose behalf something is done, as the services know them."""

    account_id: UUID
    name: str
    grants: tuple[Grant, ...]
    locale: str = "es"

    def may(self, permission: Permission, department_id: UUID | None = None) -> bool:
        """True if a grant gives the permission for this department (None: for at least one place)."""
        return any(
            permission in ROLE_PERMISSIONS[grant.role]
            and (grant.department_id is None or department_id is None or grant.department_id == department_id)
            for grant in self.grants
        )

    def departments_for(self, permission: Permission) -> frozenset[UUID] | None:
        """Departments in which the permission holds; None means everywhere."""
        holding = [grant for grant in self.grants if permission in ROLE_PERMISSIONS[grant.role]]
        if any(grant.department_id is None for grant in holding):
            return None
        return frozenset(grant.department_id for grant in holding if grant.department_id)

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)


def roles_with(permission: Permission) -> Iterable[Role]:
    return (role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions)
