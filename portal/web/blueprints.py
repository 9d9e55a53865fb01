"""All pages, one blueprint a noun."""

from __future__ import annotations

from flask import Blueprint

from portal.web import about, languages_page, login, overview

BLUEPRINTS: tuple[Blueprint, ...] = (
    about.bp,
    languages_page.bp,
    login.bp,
    overview.bp,
)
