"""Every page in a real browser, wide and narrow: accessible, as wide as its window, nothing refused by our policy."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from portal.backends.labs_folder import read_labs
from portal.config import ROOT
from portal.core.lifecycle import VmState
from portal.models import Account, Vm
from portal.services import labs
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories import make_vm_request
from tests.factories.labs import make_micro_linux
from tests.factories.moments import NOW
from tests.web.browsing import log_in
from tests.web.conftest import PASSWORD, People

pytestmark = pytest.mark.browser

SIZES = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})
PAGES = {
    "ada": (
        "/",
        "/catalogue",
        "/catalogue/dokuwiki/order",
        "/vm-requests",
        "/vm-requests/{request}",
        "/vms",
        "/vms/{vm}",
        "/vms/{vm}/extend",
        "/vms/{vm}/hand-over",
        "/vms/{vm}/snapshots",
        "/vms/{vm}/retire",
        "/account",
        "/nowhere",
    ),
    "grace": ("/", "/approvals", "/approvals/{request}"),
    "alan": ("/hosts", "/templates", "/templates/dokuwiki", "/accounts", "/accounts/new", "/accounts/{ada}", "/mails"),
    "olga": ("/", "/audit", "/audit/chain"),
    "tom": ("/labs", "/labs/first-steps-linux", "/labs/isolation?guide=en", "/classes/{lesson}/report"),
}


@pytest.fixture
def places(site: Site, people: People, machine: UUID, lab_session: UUID) -> dict[str, UUID]:
    with site.write_sessions.begin() as db:
        ada = db.get_one(Account, people.ada)
        make_micro_linux(db)
        labs.sync(db, found=read_labs(ROOT / "labs"), now=NOW)
        asked = make_vm_request(db, by=ada, name="wiki-nueva", claimed=True)
        return {"vm": machine, "request": asked.id, "ada": people.ada, "lesson": lab_session}


def refusals(page: Page) -> list[str]:
    """What the browser refused because of our policy, and what broke in scripts, gathered from now on."""
    heard: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Uncaught" in message.text:
            heard.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


@pytest.mark.slow
@pytest.mark.parametrize("login", list(PAGES))
def test_every_page_is_accessible_and_fits_wide_and_narrow(
    page: Page, address: str, places: dict[str, UUID], login: str
) -> None:
    heard = refusals(page)
    log_in(page, address, login)
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for path in PAGES[login]:
            page.goto(address + path.format(**places))
            check_accessibility(page)
            check_width(page)
    assert heard == []


def test_the_log_in_page_shows_errors_accessibly(page: Page, address: str, people: People) -> None:
    page.goto(f"{address}/login")
    page.click("main button[type=submit]")
    check_accessibility(page)
    assert page.evaluate("document.activeElement.id") == "login"


def test_a_narrow_page_opens_its_menu_without_a_script(chromium: Browser, address: str, people: People) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport=SIZES[1])  # type: ignore[arg-type]
    page = context.new_page()
    log_in(page, address, "ada")
    page.click(".menu-open")
    page.click("#menu >> text=Machines")
    page.wait_for_url(f"{address}/vms")
    context.close()


def test_a_form_is_sent_once_however_often_it_is_clicked(page: Page, address: str, people: People) -> None:
    sent: list[str] = []
    page.goto(f"{address}/login")
    page.on("request", lambda call: sent.append(call.url) if call.method == "POST" else None)
    page.evaluate("document.querySelector('main form').addEventListener('submit', e => e.isTrusted)")
    page.fill("#login", "ada")
    page.fill("#password", PASSWORD)
    page.locator("main button[type=submit]").dblclick(no_wait_after=True)
    page.wait_for_url(f"{address}/")
    assert len(sent) == 1


def test_the_state_of_a_machine_follows_without_taking_the_focus_away(
    page: Page, address: str, places: dict[str, UUID], site: Site
) -> None:
    log_in(page, address, "ada")
    page.goto(f"{address}/vms/{places['vm']}")
    page.focus("#state >> text=Restart")
    with page.expect_response("**/state?*"):
        pass
    assert page.evaluate("document.activeElement.textContent.trim()") == "Restart"
    with site.write_sessions.begin() as db:
        db.get_one(Vm, places["vm"]).move_to(VmState.STOPPED)
    page.wait_for_selector("#state >> text=Start", timeout=20_000)
    page.wait_for_selector("#screen-title", state="detached")
