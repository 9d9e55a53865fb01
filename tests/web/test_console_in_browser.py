"""The console page in a real browser; the machine's end of each connection is played by the test."""

from __future__ import annotations

import struct
from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from portal.backends.rfb_screen import Screen
from portal.core.rfb import KEY
from tests.browser.accessibility import check_accessibility, check_width
from tests.web.browsing import log_in

pytestmark = pytest.mark.browser

CONTROL, ALT, SHIFT = 0xFFE3, 0xFFE9, 0xFFE1
UNTYPABLE = "rm -r /tmp/Ł*"
Open = Callable[[str], None]
# noVNC asks for the methods of a WebSocket at its own prototype; Playwright's stand-in has them one step further up.
PLAIN_PROTOTYPE = """
window.WebSocket = class extends window.WebSocket {
    constructor(...words) {
        super(...words);
        let place = Object.getPrototypeOf(this);
        while (!Object.hasOwn(place, "send")) place = Object.getPrototypeOf(place);
        Object.setPrototypeOf(this, place);
    }
};
"""


class MachineEnd:
    """Every console that the page opens: a screen that speaks RFB, or a line that keeps what it is sent."""

    def __init__(self, page: Page) -> None:
        self.consoles: list[WebSocketRoute] = []
        self.over: set[int] = set()
        self.typed = b""
        self.keys: list[tuple[int, bool]] = []
        self.graphical = True
        self.after: Callable[[], None] = lambda: None
        page.route_web_socket("**/live/console", self.connect)
        page.add_init_script(PLAIN_PROTOTYPE)

    def connect(self, console: WebSocketRoute) -> None:
        number = len(self.consoles)
        self.consoles.append(console)
        console.on_close(lambda *_: self.over.add(number))
        screen = Screen()
        console.on_message(lambda data: self.hear(console, screen, data if isinstance(data, bytes) else data.encode()))
        if self.graphical:
            console.send(screen.greeting)

    def hear(self, console: WebSocketRoute, screen: Screen, data: bytes) -> None:
        if not self.graphical:
            self.typed += data
            self.after()
            return
        if data[0] == KEY and len(data) == 8:
            _kind, down, keysym = struct.unpack(">BBxxI", data)
            self.keys.append((keysym, bool(down)))
            self.after()
        for part in screen.answer(data):
            if part:
                console.send(part)

    def cut(self, code: int | None = None) -> None:
        self.consoles[-1].close(code=code)

    def open_now(self) -> int:
        return len(self.consoles) - len(self.over)

    def text(self) -> str:
        return "".join(chr(keysym) for keysym, down in self.keys if down and keysym < 0x200)

    def held(self) -> set[int]:
        held: set[int] = set()
        for keysym, down in self.keys:
            (held.add if down else held.discard)(keysym)
        return held


@pytest.fixture
def end(page: Page) -> MachineEnd:
    return MachineEnd(page)


@pytest.fixture
def open_console(page: Page, address: str, machine: UUID, end: MachineEnd) -> Open:
    log_in(page, address, "ada")

    def open_console(kind: str) -> None:
        end.graphical = kind == "graphical"
        page.goto(f"{address}/vms/{machine}/console#{kind}")
        expect(page.locator("#console-state")).to_have_class("badge-state tone-good")
        page.click(".console-paste summary")

    return open_console


def write(page: Page, text: str) -> None:
    page.fill("#paste-text", text)
    page.click("#paste-go")


def told(page: Page) -> str:
    return page.locator("#paste-told").inner_text()


def test_nothing_is_typed_when_one_character_has_no_key(page: Page, open_console: Open, end: MachineEnd) -> None:
    open_console("graphical")
    write(page, UNTYPABLE)
    expect(page.locator("#paste-told")).to_contain_text("Ł")
    assert end.keys == []
    assert page.input_value("#paste-text") == UNTYPABLE


def test_what_cannot_be_typed_is_named_before_anybody_presses_the_button(page: Page, open_console: Open) -> None:
    open_console("graphical")
    page.fill("#paste-text", "Ł\u200bá")
    advice = page.locator("#paste-advice")
    expect(advice).to_contain_text("Ł U+200B")
    expect(advice).to_contain_text("á")
    check_accessibility(page)


def test_a_text_is_typed_to_its_end_and_then_forgotten(page: Page, open_console: Open, end: MachineEnd) -> None:
    open_console("graphical")
    write(page, "echo hola")
    expect(page.locator("#paste-told")).to_have_class("paste-told paste-good")
    assert end.text() == "echo hola"
    assert end.held() == set()
    assert page.input_value("#paste-text") == ""


@pytest.mark.parametrize("kind", ["graphical", "serial"])
def test_typing_that_breaks_off_says_how_far_it_came_and_keeps_the_text(
    page: Page, open_console: Open, end: MachineEnd, kind: str
) -> None:
    open_console(kind)
    end.after = lambda: end.cut() if len(end.keys) == 8 or len(end.typed) == 128 else None
    text = "a" * 200
    write(page, text)
    expect(page.locator("#paste-told")).to_have_class("paste-told paste-bad")
    assert "200" in told(page)
    assert page.input_value("#paste-text") == text


def test_a_second_click_does_not_mix_two_typings(page: Page, open_console: Open, end: MachineEnd) -> None:
    open_console("graphical")
    page.fill("#paste-text", "abcdef")
    page.evaluate("const form = document.getElementById('paste-form'); form.requestSubmit(); form.requestSubmit()")
    expect(page.locator("#paste-told")).to_have_class("paste-told paste-good")
    assert end.text() == "abcdef"


def test_stop_ends_the_typing_and_keeps_the_text(page: Page, open_console: Open, end: MachineEnd) -> None:
    open_console("graphical")
    write(page, "x" * 500)
    expect(page.locator("#paste-go")).to_be_disabled()
    page.click("#paste-stop")
    expect(page.locator("#paste-go")).to_be_enabled()
    assert 0 < len(end.text()) < 500
    assert end.held() == set()
    assert page.input_value("#paste-text") == "x" * 500


def test_a_serial_line_gets_whole_characters_and_no_commands_of_a_terminal(
    page: Page, open_console: Open, end: MachineEnd
) -> None:
    open_console("serial")
    text = "a" + "🌱" * 300
    write(page, text)
    expect(page.locator("#paste-told")).to_have_class("paste-told paste-good")
    assert end.typed.decode() == text
    write(page, "ls\x1b[A")
    expect(page.locator("#paste-told")).to_contain_text("U+001B")
    assert end.typed.decode() == text


def test_leaving_the_screen_lets_go_of_the_keys_that_left_it(page: Page, open_console: Open, end: MachineEnd) -> None:
    open_console("graphical")
    page.locator("#screen-graphical canvas").focus()
    for key in ("Control", "Alt", "Shift"):
        page.keyboard.down(key)
    expect(page.locator("#leave-target")).to_be_focused()
    assert {CONTROL, ALT} <= {keysym for keysym, _down in end.keys}
    assert end.held() == set()


def test_many_clicks_on_connect_again_leave_one_console(page: Page, open_console: Open, end: MachineEnd) -> None:
    open_console("serial")
    page.evaluate("for (let n = 0; n < 5; n++) document.getElementById('reconnect').click()")
    expect(page.locator("#console-state")).to_have_class("badge-state tone-good")
    assert end.open_now() == 1


def test_after_the_log_in_has_ended_nothing_of_the_machine_can_be_read(
    page: Page, open_console: Open, end: MachineEnd
) -> None:
    open_console("serial")
    end.consoles[-1].send(b"root:secret")
    expect(page.locator("#screen-serial")).to_contain_text("secret")
    page.fill("#paste-text", "contraseña")
    end.cut(4401)
    expect(page.locator("#console-state")).to_have_class("badge-state tone-bad")
    expect(page.locator("#screen-serial")).to_be_empty()
    assert page.input_value("#paste-text") == ""


@pytest.mark.parametrize("trouble", ["no answer", "a page", "restarting"])
def test_a_portal_that_restarts_is_tried_again_by_the_page_itself(
    page: Page, open_console: Open, end: MachineEnd, trouble: str
) -> None:
    open_console("serial")
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(trouble)
        if trouble == "no answer":
            route.abort("connectionrefused")
        else:
            route.fulfill(status=500 if trouble == "a page" else 503, content_type="text/html", body="<p>Sorry</p>")

    page.clock.install()
    page.route("**/console-ticket", refuse_once)
    page.click("#reconnect")
    expect(page.locator("#console-state")).to_contain_text("The portal does not answer. Trying again")
    page.clock.run_for(2_000)
    expect(page.locator("#console-state")).to_have_class("badge-state tone-good")


def test_typing_fits_a_telephone(page: Page, open_console: Open) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_console("serial")
    page.fill("#paste-text", "á" + "Ł" * 60)
    check_width(page)
