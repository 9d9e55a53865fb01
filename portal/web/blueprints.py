"""All pages, one blueprint a noun."""

from __future__ import annotations

from flask import Blueprint

from portal.web import (
    about,
    account,
    accounts,
    approvals,
    audit,
    catalogue,
    class_room,
    consoles,
    departments,
    doors,
    hosts,
    join,
    languages_page,
    leases,
    login,
    mails,
    orders,
    overview,
    snapshots,
    templates,
    vm_requests,
    vms,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    about.bp,
    account.bp,
    accounts.bp,
    approvals.bp,
    audit.bp,
    catalogue.bp,
    class_room.bp,
    consoles.bp,
    departments.bp,
    doors.bp,
    hosts.bp,
    join.bp,
    languages_page.bp,
    leases.bp,
    login.bp,
    mails.bp,
    orders.bp,
    overview.bp,
    snapshots.bp,
    templates.bp,
    vm_requests.bp,
    vms.bp,
)
