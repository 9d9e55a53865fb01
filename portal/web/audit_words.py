"""What was done, in words: every action that the services write into the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _

from portal.models import AuditEntry

ACTIONS: Mapping[str, object] = {
    "login.succeeded": _("logged in"),
    "login.failed": _("tried to log in, in vain"),
    "account.created": _("made an account"),
    "account.roles": _("changed roles"),
    "department.created": _("made a department"),
    "department.renamed": _("renamed a department"),
    "department.quota": _("changed what a department may take"),
    "account.password": _("changed the own password"),
    "account.password_set": _("set a password"),
    "account.activated": _("let an account in again"),
    "account.deactivated": _("shut an account out"),
    "token.issued": _("made a token"),
    "token.revoked": _("ended a token"),
    "vm_request.submitted": _("asked for machines"),
    "vm_request.approved": _("approved a request"),
    "vm_request.denied": _("denied a request"),
    "vm_request.cancelled": _("took a request back"),
    "vm_request.cancel_asked": _("asked to stop the work"),
    "vm_request.retried": _("tried a request again"),
    "vm_request.rolled_back": _("removed what a request left"),
    "vm_request.fulfilled": _("finished a request"),
    "vm_request.failed": _("could not finish a request"),
    "vm.made": _("made a machine"),
    "vm.start": _("started a machine"),
    "vm.shut_down": _("shut a machine down"),
    "vm.power_off": _("switched a machine off hard"),
    "vm.reboot": _("restarted a machine"),
    "vm.snapshot_taken": _("took a snapshot"),
    "vm.snapshot_reverted": _("went back to a snapshot"),
    "vm.snapshot_deleted": _("deleted a snapshot"),
    "vm.extended": _("extended a machine's time"),
    "vm.extension_asked": _("asked for more time"),
    "vm.handed_over": _("handed a machine over"),
    "vm.shared": _("shared a machine"),
    "vm.unshared": _("ended the sharing of a machine"),
    "vm.park_asked": _("asked a machine to shut down, to park it"),
    "vm.parked": _("parked a machine"),
    "vm.retire_asked": _("gave a machine back"),
    "vm.retire_failed": _("could not remove a machine"),
    "vm.retired": _("removed a machine"),
    "vm.lease_ended": _("noticed that a machine's time was over"),
    "console.opened": _("opened a console"),
    "console.closed": _("closed a console"),
    "lab_session.booked": _("booked a class"),
    "lab_session.approval_asked": _("asked for the approval of a large class"),
    "lab_session.approved": _("approved a class"),
    "lab_session.denied": _("denied a class"),
    "lab_session.changed": _("changed a class"),
    "lab_session.moved": _("moved a class"),
    "lab_session.cancelled": _("cancelled a class"),
    "lab_session.invited": _("put people on the list of a class"),
    "lab_session.uninvited": _("took somebody off the list of a class"),
    "lab_session.links_renewed": _("made new personal links to a class"),
    "lab_session.only_listed": _("let only people on the list into a class"),
    "lab_session.code_opened": _("let everybody with the code into a class"),
    "calendar_feed.made": _("made a secret link to a calendar"),
    "calendar_feed.ended": _("ended a secret link to a calendar"),
    "door.opened": _("opened a door"),
    "lab_session.rehearsing": _("began to rehearse a class"),
    "lab.trying": _("began to try a lab"),
    "lab_session.preparing": _("began to prepare a class"),
    "lab_session.ready": _("prepared a class"),
    "lab_session.opened": _("began a class"),
    "lab_session.locked": _("stopped a class from typing"),
    "lab_session.unlocked": _("let a class type again"),
    "lab_session.prolonged": _("prolonged a class"),
    "lab_session.brought": _("brought a class to a step"),
    "student.let_in": _("let a student in again"),
    "lab_session.ended": _("ended a class"),
    "lab_session.inventory": _("listed what a class has on the hosts"),
    "lab_session.cleared": _("proved that nothing of a class is left"),
    "lab.cloned": _("cloned a lab for the department"),
    "lab.draft_saved": _("changed the draft of a lab"),
    "lab.draft_discarded": _("threw the draft of a lab away"),
    "lab.published": _("published a version of a lab"),
    "lab.offered": _("changed to whom a lab is offered"),
    "lab.withdrawn": _("withdrew a lab"),
    "lab.brought_back": _("brought a lab back"),
    "lab.subscribed": _("subscribed to a lab"),
    "lab.version_taken": _("took a newer version of a lab"),
    "lab.unsubscribed": _("ended a subscription to a lab"),
    "seat.reset": _("began a seat again"),
    "keeping.asked": _("asked to keep a seat"),
    "keeping.withdrawn": _("took back the wish to keep a seat"),
    "keeping.granted": _("agreed to keep a seat"),
    "keeping.declined": _("did not agree to keep a seat"),
    "keeping.kept": _("kept a seat after its class"),
    "keeping.prolonged": _("kept a seat for longer"),
    "keeping.revived": _("booted a kept seat again"),
    "keeping.own_machine_asked": _("asked for a machine of a kept seat as an own one"),
    "keeping.held": _("kept a seat for longer, for a request that needs its disk"),
    "keeping.own_machine_copied": _("copied a disk of a kept seat"),
    "keeping.ended": _("ended the keeping of a seat"),
    "keeping.inventory": _("listed what a kept seat had on the hosts"),
    "keeping.cleared": _("proved that nothing of a kept seat is left"),
    "host.added": _("added a host"),
    "host.moved": _("changed a host's address"),
    "reconcile.healed": _("brought database and cluster together"),
    "host.state": _("changed a host's state"),
}


# Why a console ended is kept as a code (portal/live/endings.py); every other reason is what a person wrote.
CONSOLE_ENDINGS: Mapping[str, object] = {
    "left": "",
    "server-stops": _("the portal was stopped"),
    "not-rfb": _("the screen sent what nobody understands"),
    "too-big": _("too much was sent at once"),
    "logged-out": _("the person logged out"),
    "not-allowed": _("the person may no longer use it"),
    "opened-elsewhere": _("it was opened elsewhere"),
    "machine-stopped": _("the machine stopped"),
    "turned": _("looking and typing changed"),
    "class-over": _("the class was over"),
    "too-many-consoles": _("too many consoles were open"),
    "host-unreachable": _("the host did not answer"),
}


# Names in the details that services write beside an entry; what is not here is shown as it is.
DETAILS: Mapping[str, object] = {
    "from": _("before"),
    "to": _("after"),
    "grants": _("roles"),
    "wanted": _("asked for"),
    "template": _("template"),
    "size": _("size"),
    "copies": _("copies"),
    "files": _("files"),
    "version": _("version"),
    "seats": _("seats"),
    "ends_on": _("until"),
    "retire_at": _("removed on"),
    "machines": _("machines"),
    "vcpus": _("processors"),
    "memory_mib": _("memory in MB"),
    "disk_gib": _("disk in GB"),
    "account": _("account"),
    "user": _("user"),
    "address": _("address"),
    "host": _("host"),
    "snapshot": _("snapshot"),
    "seconds": _("seconds"),
    "kind": _("kind"),
    "detail": _("detail"),
    "view_only": _("only watching"),
    "tokens_ended": _("tokens ended"),
    "workflow": _("work"),
}


def details_words(details: Mapping[str, object]) -> str:
    """ "before: requester@farmacia; after: approver@farmacia"."""
    return "; ".join(f"{DETAILS.get(name, name)}: {value_words(value)}" for name, value in details.items())


def value_words(value: object) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, Mapping):
        return f"({details_words(value)})"
    if isinstance(value, list | tuple):
        return ", ".join(value_words(one) for one in value) or "–"
    return "–" if value in (None, "") else str(value)


def reason_words(entry: AuditEntry) -> str:
    if entry.action == "console.closed":
        return str(CONSOLE_ENDINGS.get(entry.reason, entry.reason))
    return entry.reason


def action_words(action: str) -> str:
    return str(ACTIONS.get(action, action))
