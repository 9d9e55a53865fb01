"""A person in a real browser: logs in as everybody does."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.web.conftest import PASSWORD


def log_in(page: Page, address: str, login: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{address}/")
