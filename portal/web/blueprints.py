"""All pages, one blueprint a noun."""

from __future__ import annotations

from flask import Blueprint

from portal.web import about, approvals, catalogue, languages_page, login, orders, overview, vm_requests

BLUEPRINTS: tuple[Blueprint, ...] = (
    about.bp,
    languages_page.bp,
    login.bp,
    overview.bp,
    catalogue.bp,
    orders.bp,
    vm_requests.bp,
    approvals.bp,
)
