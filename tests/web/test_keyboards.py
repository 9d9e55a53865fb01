"""Which keys the portal presses to write a text, asked of the script in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from portal.config import ROOT

pytestmark = pytest.mark.browser


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
        ("~", ["AltGr+Digit4"]),
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


def test_a_windows_keyboard_waits_for_a_letter_after_the_tilde(scripts: Page) -> None:
    assert strokes(scripts, "~/ã", "es-windows") == [
        "AltGr+Digit4", "Space", "Shift+Digit7", "AltGr+Digit4", "KeyA",
    ]  # fmt: skip


def test_a_linux_keyboard_writes_the_tilde_of_a_path_without_a_space_after_it(scripts: Page) -> None:
    assert strokes(scripts, "~/tmp")[:2] == ["AltGr+Digit4", "Shift+Digit7"]


def test_accents_that_a_text_console_makes_into_quotes_are_not_typed_there(scripts: Page) -> None:
    assert strokes(scripts, "´¨") == ["none", "none"]


def plan(page: Page, text: str, layout: str) -> dict[str, list[str]]:
    code = """async ([text, layout]) => {
        const { keysFor } = await import('/static/keyboards.js');
        const { missing, byLayout, byCharacterSet } = keysFor(text, layout);
        return { missing, byLayout, byCharacterSet };
    }"""
    found: dict[str, list[str]] = page.evaluate(code, [text, layout])
    return found


def test_it_is_known_before_the_first_key_what_is_missing_and_what_depends_on_the_machine(scripts: Page) -> None:
    assert plan(scripts, "ls -l Ł á", "es") == {"missing": ["Ł"], "byLayout": ["-"], "byCharacterSet": ["á"]}
    assert plan(scripts, "á", "us")["missing"] == ["á"]


def test_an_accent_written_apart_from_its_letter_is_one_character(scripts: Page) -> None:
    assert plan(scripts, "a\u0301", "es")["missing"] == []
