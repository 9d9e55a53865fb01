"""Which mail is written when: each in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, filled
from portal.core.lease import DEFAULT_TIMEZONE, local_day
from portal.core.templates import spec_from_data
from portal.models import Account, AuditEntry, Template, Vm, VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import accounts, mails
from portal.services.letters import Body, Link, as_html, as_text, day_in_words, translate
from portal.services.playbook_words import translator


def post(db: Session, account: Account, subject: str, body: Body, now: datetime) -> None:
    mails.write(
        db,
        account=account,
        subject=subject,
        text=as_text(body, locale=account.locale, name=account.name),
        html=as_html(body, locale=account.locale, name=account.name),
        now=now,
    )


def links(base_url: str, *pages: tuple[str, str]) -> tuple[Link, ...]:
    """Links to pages of the portal; none while nobody has said where it is."""
    return tuple(Link(label, base_url.rstrip("/") + path) for label, path in pages) if base_url else ()


def account_of(db: Session, account_id: UUID) -> Account:
    return db.scalars(select(Account).where(Account.id == account_id)).one()


def facts_of(db: Session, vm_request: VmRequest, locale: str) -> tuple[tuple[str, str], ...]:
    return (
        (translate(locale, N_("Who")), account_of(db, vm_request.submitted_by_id).name),
        (translate(locale, N_("What")), what_of(db, vm_request, locale)),
        (translate(locale, N_("What for")), vm_request.purpose[:500]),
        (translate(locale, N_("Until")), day_in_words(locale, vm_request.ends_on)),
    )


def what_of(db: Session, vm_request: VmRequest, locale: str) -> str:
    """ "3 × Moodle, moodle-cardio", or that a machine shall stay longer."""
    if vm_request.kind == VmRequestKind.EXTENSION:
        return translate(locale, N_("More time for the machine “%(name)s”"), name=vm_request.name)
    template = db.get(Template, vm_request.template_slug)
    known = spec_from_data(template.spec).name.read(locale) if template and template.spec else vm_request.template_slug
    return f"{vm_request.copies} × {known}, {vm_request.name}"


def tell_submitted(
    db: Session, *, vm_request: VmRequest, approvers: Iterable[Account], now: datetime, base_url: str
) -> None:
    for approver in approvers:
        locale = approver.locale
        body = Body(
            (translate(locale, N_("A request waits for your decision.")),),
            facts_of(db, vm_request, locale),
            links(base_url, (translate(locale, N_("Decide")), f"/approvals/{vm_request.id}")),
        )
        more_time = vm_request.kind == VmRequestKind.EXTENSION
        wording = N_("To decide: more time for %(name)s") if more_time else N_("To decide: %(name)s")
        subject = translate(locale, wording, name=vm_request.name)
        post(db, approver, subject, body, now)


def tell_approved(db: Session, *, vm_request: VmRequest, by: str, now: datetime, base_url: str) -> None:
    account = account_of(db, vm_request.submitted_by_id)
    locale = account.locale
    paragraphs = [translate(locale, N_("%(by)s has approved your request. We write again when it is ready."), by=by)]
    if vm_request.decision_comment:
        paragraphs.append(vm_request.decision_comment)
    page = (translate(locale, N_("Watch it grow")), f"/vm-requests/{vm_request.id}")
    body = Body(tuple(paragraphs), facts_of(db, vm_request, locale), links(base_url, page))
    post(db, account, translate(locale, N_("Approved: %(name)s"), name=vm_request.name), body, now)


def tell_extended(db: Session, *, vm_request: VmRequest, by: str, now: datetime, base_url: str) -> None:
    account = account_of(db, vm_request.submitted_by_id)
    locale = account.locale
    text = translate(
        locale,
        N_("%(by)s has approved that %(name)s stays until %(day)s."),
        by=by,
        name=vm_request.name,
        day=day_in_words(locale, vm_request.ends_on),
    )
    page = (translate(locale, N_("Open the machine's page")), f"/vms/{vm_request.vm_id}")
    subject = translate(locale, N_("Approved: %(name)s"), name=vm_request.name)
    post(db, account, subject, Body((text,), links=links(base_url, page)), now)


def tell_handed_over(db: Session, *, vm: Vm, by: str, now: datetime, base_url: str) -> None:
    """To the new owner, who has not asked for it."""
    account = account_of(db, vm.owner_id)
    locale = account.locale
    paragraphs = (
        translate(locale, N_("%(by)s has handed the machine %(name)s over to you."), by=by, name=vm.name),
        translate(locale, N_("You decide about it from now on: who uses it, how long it stays, and when it ends.")),
    )
    facts = ((translate(locale, N_("Until")), day_in_words(locale, local_day(vm.expires_at, DEFAULT_TIMEZONE))),)
    page = (translate(locale, N_("Open the machine's page")), f"/vms/{vm.id}")
    subject = translate(locale, N_("Yours now: %(name)s"), name=vm.name)
    post(db, account, subject, Body(paragraphs, facts, links(base_url, page)), now)


def tell_denied(db: Session, *, vm_request: VmRequest, by: str, reason: str, now: datetime, base_url: str) -> None:
    account = account_of(db, vm_request.submitted_by_id)
    locale = account.locale
    body = Body(
        (translate(locale, N_("%(by)s has denied your request, with this reason:"), by=by), reason),
        facts_of(db, vm_request, locale),
        links(base_url, (translate(locale, N_("See the request")), f"/vm-requests/{vm_request.id}")),
    )
    post(db, account, translate(locale, N_("Denied: %(name)s"), name=vm_request.name), body, now)


def tell_no_longer_needed(db: Session, *, vm_request: VmRequest, now: datetime, base_url: str) -> None:
    """Nobody decides any more on more time for a machine that is given back."""
    text = N_(
        "You asked for more time for %(name)s. The machine is being given back, so nobody decides on it any more."
    )
    tell_shortly(db, vm_request, N_("Closed: more time for %(name)s"), text, now=now, base_url=base_url)


def tell_seat_over(db: Session, *, vm_request: VmRequest, now: datetime, base_url: str) -> None:
    """It was to begin with the disk of a kept seat, whose time is over."""
    text = N_("Your request for %(name)s was cancelled: it was not made while the seat was kept, whose disk it needed.")
    tell_shortly(db, vm_request, N_("Cancelled: %(name)s"), text, now=now, base_url=base_url)


def tell_shortly(db: Session, vm_request: VmRequest, subject: str, text: str, *, now: datetime, base_url: str) -> None:
    """One sentence to who asked, and the way to the request; `subject` and `text` are msgids about its `name`."""
    account = account_of(db, vm_request.submitted_by_id)
    subject, text = (translate(account.locale, one, name=vm_request.name) for one in (subject, text))
    page = (translate(account.locale, N_("See the request")), f"/vm-requests/{vm_request.id}")
    post(db, account, subject, Body((text,), links=links(base_url, page)), now)


def tell_ready(db: Session, *, vm_request: VmRequest, vms: Sequence[Vm], now: datetime, base_url: str) -> None:
    """The machines of a request serve: names, addresses, how to open them, until when."""
    account = account_of(db, vm_request.submitted_by_id)
    locale = account.locale
    unreachable = translate(locale, N_("open it in the browser"))
    facts = [(vm.name, vm.address or unreachable) for vm in vms]
    facts.append((translate(locale, N_("Until")), day_in_words(locale, vm_request.ends_on)))
    pages = [(translate(locale, N_("Open %(name)s"), name=vm.name), f"/vms/{vm.id}") for vm in vms[:30]]
    text = translate(locale, N_("Your order is ready. You can use it in the browser or at its address."))
    subject = translate(locale, N_("Ready: %(name)s"), name=vm_request.name)
    post(db, account, subject, Body((text,), tuple(facts), links(base_url, *pages)), now)


def kept_words(locale: str, message: str, params: Mapping[str, Any]) -> str:
    """A sentence that was written down with its values, also one of a playbook."""
    return filled(message, params, translator(lambda msgid: translate(locale, msgid)))


def tell_failed(db: Session, *, vm_request: VmRequest, now: datetime, base_url: str) -> None:
    """What went wrong, as the request says it. The log stays with the request."""
    account = account_of(db, vm_request.submitted_by_id)
    locale = account.locale
    reason = kept_words(locale, vm_request.error or "", vm_request.error_params)
    text = translate(locale, N_("Your order could not be carried out. The administrators can try again or clean up."))
    page = (translate(locale, N_("See the request")), f"/vm-requests/{vm_request.id}")
    body = Body((text, reason) if reason else (text,), facts_of(db, vm_request, locale), links(base_url, page))
    post(db, account, translate(locale, N_("Not done: %(name)s"), name=vm_request.name), body, now)


def tell_lease_end(
    db: Session,
    *,
    vm: Vm,
    choices: Sequence[tuple[str, str]],
    now: datetime,
    base_url: str,
    timezone: str = DEFAULT_TIMEZONE,
) -> None:
    """`choices` are the msgid and the signed text of each link; they are the owner's."""
    for account in keepers_of(db, vm):
        locale = account.locale
        day = day_in_words(locale, local_day(vm.expires_at, timezone))
        wording = (
            N_("Your machine %(name)s may be kept until %(day)s."),
            N_("The machine %(name)s of %(owner)s, whose account is closed, may be kept until %(day)s."),
        )
        paragraphs = (
            about_machine(account, vm, wording, day=day),
            translate(
                locale, N_("After that it is switched off; its disk is kept for 14 more days. What shall we do?")
            ),
        )
        pages = [(translate(locale, label), f"/leases/{quote(text)}") for label, text in choices]
        if account.id != vm.owner_id:
            pages = [machine_page(locale, vm)]
        subject = translate(locale, N_("%(name)s ends on %(day)s"), name=vm.name, day=day)
        post(db, account, subject, Body(paragraphs, links=links(base_url, *pages)), now)


def keepers_of(db: Session, vm: Vm) -> Sequence[Account]:
    """Who is told about a machine: its owner, or who decides in its department when the owner's account is closed."""
    owner = account_of(db, vm.owner_id)
    return [owner] if owner.active else accounts.approvers_of(db, vm.department_id)


def about_machine(account: Account, vm: Vm, wording: tuple[str, str], **params: str) -> str:
    """The first wording for the owner, the second for whoever is told instead."""
    mine, others = wording
    if account.id == vm.owner_id:
        return translate(account.locale, mine, name=vm.name, **params)
    return translate(account.locale, others, name=vm.name, owner=vm.owner.name, **params)


def machine_page(locale: str, vm: Vm) -> tuple[str, str]:
    return (translate(locale, N_("Open the machine's page")), f"/vms/{vm.id}")


def tell_parked(db: Session, *, vm: Vm, now: datetime, base_url: str, timezone: str = DEFAULT_TIMEZONE) -> None:
    for account in keepers_of(db, vm):
        locale = account.locale
        wording = (
            N_("The time of your machine %(name)s is over. It is switched off."),
            N_("The time of %(name)s is over, the machine of %(owner)s, whose account is closed. It is switched off."),
        )
        paragraphs = [about_machine(account, vm, wording)]
        if vm.retire_at:
            day = day_in_words(locale, local_day(vm.retire_at, timezone))
            kept = N_("Its disk is kept until %(day)s. Extend it before, if you still need it.")
            paragraphs.append(translate(locale, kept, day=day))
        subject = translate(locale, N_("Switched off: %(name)s"), name=vm.name)
        post(db, account, subject, Body(tuple(paragraphs), links=links(base_url, machine_page(locale, vm))), now)


def tell_not_retired(db: Session, *, vm: Vm, now: datetime, base_url: str) -> None:
    """Who asked for it, and the administrators: it was to be given back and is still there."""
    asked = select(AuditEntry.actor_id).where(
        AuditEntry.action == "vm.retire_asked", AuditEntry.subject_id == str(vm.id)
    )
    asker_id = db.scalar(asked.order_by(AuditEntry.id.desc()).limit(1))
    asker = [db.get_one(Account, asker_id)] if asker_id else []
    for account in {one.id: one for one in [*asker, *accounts.administrators(db)]}.values():
        locale = account.locale
        paragraphs = (
            translate(locale, N_("%(name)s could not be given back: it is still there."), name=vm.name),
            kept_words(locale, vm.state_reason, vm.state_reason_params),
            translate(locale, N_("It is tried again every hour, until it has succeeded or somebody extends it.")),
        )
        subject = translate(locale, N_("Not given back: %(name)s"), name=vm.name)
        post(db, account, subject, Body(paragraphs, links=links(base_url, machine_page(locale, vm))), now)


def tell_retired(db: Session, *, vm: Vm, now: datetime, base_url: str = "") -> None:
    account = account_of(db, vm.owner_id)
    locale = account.locale
    text = translate(locale, N_("Your machine %(name)s was given back. Its disk is gone."), name=vm.name)
    page = (translate(locale, N_("Order another one")), "/catalogue")
    subject = translate(locale, N_("Given back: %(name)s"), name=vm.name)
    post(db, account, subject, Body((text,), links=links(base_url, page)), now)
