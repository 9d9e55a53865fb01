"""Every page in a real browser, wide and narrow: accessible, as wide as its window, nothing refused by our policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser, ConsoleMessage, Page, Route
from werkzeug.serving import WSGIRequestHandler, make_server

from portal.config import ROOT
from portal.core.lifecycle import VmState
from portal.models import Account, Vm
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories import make_vm_request
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
}


class Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's own name
        """Nothing: the pages are looked at, not the calls."""


@pytest.fixture
def address(app: APIFlask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def places(site: Site, people: People, machine: UUID) -> dict[str, UUID]:
    with site.write_sessions.begin() as db:
        ada = db.get_one(Account, people.ada)
        asked = make_vm_request(db, by=ada, name="wiki-nueva", claimed=True)
        return {"vm": machine, "request": asked.id, "ada": people.ada}


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(locale="es-ES")
    page = context.new_page()
    yield page
    context.close()


def refusals(page: Page) -> list[str]:
    """What the browser refused because of our policy, and what broke in scripts, gathered from now on."""
    heard: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Uncaught" in message.text:
            heard.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def log_in(page: Page, address: str, login: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{address}/")


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
    with page.expect_response("**/state"):
        pass
    assert page.evaluate("document.activeElement.textContent.trim()") == "Restart"
    with site.write_sessions.begin() as db:
        db.get_one(Vm, places["vm"]).move_to(VmState.STOPPED)
    page.wait_for_selector("#state >> text=Start", timeout=20_000)


@pytest.fixture
def scripts(page: Page) -> Page:
    """A page of our own origin whose scripts come straight from static/."""

    def answer(route: Route) -> None:
        name = route.request.url.split("/", 3)[3]
        if name:
            route.fulfill(path=ROOT / name, content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>x</title>", content_type="text/html")

    page.route("http://vivero.test/**", answer)
    page.goto("http://vivero.test/")
    return page


def strokes(page: Page, text: str, layout: str = "es") -> list[str]:
    """The strokes as "Shift+Code" words."""
    code = """async ([text, layout]) => {
        const { strokesFor } = await import('/static/keyboards.js');
        return [...text].flatMap((one) => strokesFor(one, layout) ?? [{ code: 'none' }])
            .map((s) => (s.shift ? 'Shift+' : '') + (s.altgr ? 'AltGr+' : '') + s.code);
    }"""
    found: list[str] = page.evaluate(code, [text, layout])
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ["KeyA"]),
        ("Ñ", ["Shift+Semicolon"]),
        ("@", ["AltGr+Digit2"]),
        ("#", ["AltGr+Digit3"]),
        ("|", ["AltGr+Digit1"]),
        ("\\", ["AltGr+Backquote"]),
        ("{}", ["AltGr+Quote", "AltGr+Backslash"]),
        ("[]", ["AltGr+BracketLeft", "AltGr+BracketRight"]),
        ("€", ["AltGr+KeyE"]),
        ("á", ["Quote", "KeyA"]),
        ("Ü", ["Shift+Quote", "Shift+KeyU"]),
        ("^", ["Shift+BracketLeft", "Space"]),
        ("/", ["Shift+Digit7"]),
        ("\n", ["Enter"]),
        ("漢", ["none"]),
    ],
)
def test_a_spanish_keyboard_types_it_with_these_keys(scripts: Page, text: str, expected: list[str]) -> None:
    assert strokes(scripts, text) == expected


def test_every_character_of_a_shell_can_be_typed_on_both_keyboards(scripts: Page) -> None:
    printable = "".join(chr(code) for code in range(32, 127))
    for layout in ("es", "us"):
        assert "none" not in strokes(scripts, printable, layout)


def test_no_two_characters_share_their_keys(scripts: Page) -> None:
    printable = "".join(chr(code) for code in range(32, 127))
    typed = [tuple(strokes(scripts, one)) for one in printable]
    assert len(set(typed)) == len(typed)
