"""Takes the pictures of docs/pictures from a running demo: python -m tests.browser.pictures <demo.json> <folder>."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.chromium import CHROMIUM, QUIET

DESKTOP, PHONE = (1280, 900), (390, 844)
READY_MS = 240_000


class Photographer:
    """Logs in as each role once, and keeps what the windows show."""

    def __init__(self, browser: Browser, demo: dict[str, Any], folder: Path) -> None:
        self.browser, self.demo, self.folder = browser, demo, folder
        self.states: dict[str, Any] = {}

    def enter(self, role: str, locale: str = "es-ES", size: tuple[int, int] = DESKTOP) -> Page:
        context = self.browser.new_context(
            locale=locale,
            base_url=self.demo["url"],
            viewport={"width": size[0], "height": size[1]},
            storage_state=self.states.get(role),
        )
        page = context.new_page()
        page.goto("/")
        if urlsplit(page.url).path == "/login":
            account = self.demo["accounts"][role]
            page.fill("[name=login]", account["user"])
            page.fill("[name=password]", account["password"])
            page.click("main button[type=submit]")
            page.wait_for_url(lambda url: "/login" not in url)
            self.states[role] = context.storage_state()
        return page

    def keep(self, page: Page, name: str) -> None:
        """The whole page in one window of its height, so that what is fixed to the window stays in its place."""
        size = page.viewport_size
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        if size and height > size["height"]:
            page.set_viewport_size({"width": size["width"], "height": height})
        page.wait_for_timeout(400)
        path = self.folder / f"{name}.png"
        page.screenshot(path=path)
        subprocess.run(["pngquant", "--force", "--ext", ".png", "64", str(path)], check=True)
        if size:
            page.set_viewport_size(size)

    def visit(self, page: Page, address: str, name: str) -> None:
        page.goto(address)
        self.keep(page, name)


def order(page: Page, name: str, copies: int) -> None:
    """Fill in the form; the caller sends it."""
    page.goto("/catalogue/micro-linux/order")
    page.fill("[name=purpose]", "Curso de acogida de residentes: prácticas con la consola")
    page.fill("[name=name]", name)
    page.fill("[name=copies]", str(copies))
    page.locator("[name=quick_end]").nth(1).click()
    expect(page.locator("#estimate .takes li").first).to_contain_text(str(copies))


def send(page: Page) -> str:
    page.locator("#order-form .form-buttons .btn-primary").click()
    page.wait_for_url(re.compile(r"/vm-requests/[0-9a-f-]{36}$"))
    return urlsplit(page.url).path


def road(take: Photographer) -> tuple[str, str]:
    """Order, decide, watch; gives the addresses of the request and of its first machine."""
    asks, decides = take.enter("requester"), take.enter("approver")
    take.visit(asks, "/catalogue", "catalogue")
    order(asks, "acogida", 3)
    take.keep(asks, "order-form")
    address = send(asks)
    take.visit(decides, "/", "overview-approver")
    take.visit(decides, "/approvals", "queue")
    decides.get_by_role("link", name="acogida", exact=True).click()
    decides.locator(".decide summary").click()
    take.keep(decides, "decision-card")
    decides.locator(".decide .btn-primary").click()
    decides.wait_for_url(re.compile("/approvals$"))
    asks.locator(".copies .tone-busy").first.wait_for()
    asks.locator(".log summary").click()
    take.keep(asks, "request-in-progress")
    take.visit(take.enter("requester", size=PHONE), address, "request-phone")
    expect(asks.locator(".copies .tone-good")).to_have_count(3, timeout=READY_MS)
    asks.locator(".copies a").first.click()
    asks.wait_for_url(re.compile("/vms/"))
    return address, urlsplit(asks.url).path


def machine(take: Photographer, vm: str) -> None:
    page = take.enter("requester")
    page.goto(vm)
    page.wait_for_timeout(3000)
    take.keep(page, "machine")
    page.goto(f"{vm}/console")
    state = page.locator("#console-state")
    expect(state).to_have_class(re.compile("tone-good"), timeout=30_000)
    page.locator("#screen-graphical canvas").click()
    page.keyboard.type("uname -a", delay=60)
    page.keyboard.press("Enter")
    page.wait_for_timeout(2000)
    take.keep(page, "console-graphical")
    page.locator("#tab-serial").click()
    expect(state).to_have_class(re.compile("tone-good"), timeout=30_000)
    page.locator("#screen-serial textarea").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("uptime", delay=40)
    page.keyboard.press("Enter")
    page.wait_for_timeout(2000)
    take.keep(page, "console-serial")


def around(take: Photographer, request: str, vm: str) -> None:
    phone, english = take.enter("requester", size=PHONE), take.enter("requester", "en-GB")
    take.visit(phone, "/catalogue", "catalogue-phone")
    order(phone, "consulta", 1)
    take.keep(phone, "order-form-phone")
    phone.goto(vm)
    phone.wait_for_timeout(3000)
    take.keep(phone, "machine-phone")
    english.get_by_role("button", name="English").or_(english.get_by_role("link", name="English")).first.click()
    english.locator("html[lang=en]").wait_for(state="attached")
    take.visit(english, "/catalogue", "catalogue-english")
    take.visit(english, request, "request-english")
    english.get_by_role("button", name="Español").or_(english.get_by_role("link", name="Español")).first.click()
    admin = take.enter("admin")
    take.visit(admin, "/hosts", "hosts")
    take.visit(take.enter("auditor"), "/audit", "audit")


def main(demo: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, "--lang=es-ES"])
        take = Photographer(browser, json.loads(demo.read_text()), folder)
        request, vm = road(take)
        machine(take, vm)
        around(take, request, vm)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
