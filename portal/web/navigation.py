"""What the menu offers to whom: an entry shows when the person holds its permission."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request, url_for
from flask_babel import lazy_gettext as _

from portal.core.policy import Permission
from portal.web.context import actor_or_none


@dataclass(frozen=True)
class Entry:
    """`endpoint` is where it leads; it is the present one on every page below that address."""

    endpoint: str
    label: object
    icon: str
    permission: Permission | None = None

    @property
    def here(self) -> bool:
        address = url_for(self.endpoint)
        return request.path == address or (address != "/" and request.path.startswith(f"{address}/"))


ENTRIES = (
    Entry("overview.show", _("Overview"), "home"),
    Entry("catalogue.show", _("Catalogue"), "plant-2", Permission.SEE_CATALOGUE),
    Entry("labs.index", _("Labs"), "school", Permission.SEE_LABS),
    Entry("lab_sessions.index", _("Classes"), "calendar-event", Permission.TEACH),
    Entry("vm_requests.index", _("Requests"), "list-details", Permission.SEE_DEPARTMENT),
    Entry("approvals.queue", _("Approvals"), "circle-check", Permission.APPROVE),
    Entry("vms.index", _("Machines"), "device-desktop", Permission.SEE_MACHINES),
    Entry("hosts.index", _("Hosts"), "server-2", Permission.SEE_HOSTS),
    Entry("templates.index", _("Templates"), "template", Permission.MANAGE_TEMPLATES),
    Entry("departments.index", _("Departments"), "building", Permission.MANAGE_ACCOUNTS),
    Entry("accounts.index", _("People"), "users", Permission.MANAGE_ACCOUNTS),
    Entry("mails.index", _("Mails"), "mail", Permission.SEE_MAILS),
    Entry("audit.index", _("Audit log"), "shield-check", Permission.SEE_AUDIT),
)


def menu() -> list[Entry]:
    person = actor_or_none()
    if person is None:
        return []
    known = current_app.view_functions
    return [
        entry
        for entry in ENTRIES
        if entry.endpoint in known and (entry.permission is None or person.may(entry.permission))
    ]
