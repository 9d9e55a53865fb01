"""The order form and the live page in a real browser, on simulated hosts: no root, with and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.accessibility import check_accessibility, check_width
from tests.browser.conftest import RunningDemo, start_demo, stop_demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ORDER = "/catalogue/micro-linux/order"
REQUEST = re.compile(r"/vm-requests/[0-9a-f-]{36}$")
Enter = Callable[..., Page]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    process, running = start_demo(tmp_path_factory.mktemp("simulator"), "--simulator")
    yield running
    stop_demo(process)


@pytest.fixture
def enter(chromium: Browser, simulator: RunningDemo) -> Iterator[Enter]:
    """enter(role, ...) gives a page of a browser of its own, logged in as that role."""
    contexts: list[BrowserContext] = []

    def enter(role: str, **options: Any) -> Page:
        contexts.append(chromium.new_context(locale="es-ES", base_url=simulator.url, **options))
        page = contexts[-1].new_page()
        page.goto("/login")
        page.fill("[name=login]", simulator.accounts[role]["user"])
        page.fill("[name=password]", simulator.accounts[role]["password"])
        page.click("main button[type=submit]")
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield enter
    for context in contexts:
        context.close()


def fill(page: Page, name: str, copies: int = 2) -> None:
    page.goto(ORDER)
    page.fill("[name=purpose]", "Prácticas de la guardia")
    page.fill("[name=name]", name)
    page.fill("[name=copies]", str(copies))
    page.locator("[name=quick_end]").first.click()


def send(page: Page) -> None:
    page.locator("#order-form .form-buttons .btn-primary").click()


def taken(page: Page) -> str:
    return page.locator("#estimate .takes li").first.inner_text()


def test_the_panel_follows_the_choices(enter: Enter) -> None:
    page = enter("requester")
    fill(page, "panel", copies=4)
    expect(page.locator("#estimate .takes li").first).to_contain_text("4")
    assert page.url.endswith(ORDER)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", page.input_value("[name=ends_on]"))
    expect(page.locator("[name=recalculate]")).to_be_hidden()


def test_the_first_wrong_field_gets_the_focus_and_the_rest_is_kept(enter: Enter) -> None:
    page = enter("requester")
    fill(page, "wrong-number", copies=99)
    send(page)
    expect(page.locator("#copies-error")).to_be_visible()
    expect(page.locator("[name=copies]")).to_be_focused()
    assert page.input_value("[name=name]") == "wrong-number"
    check_accessibility(page)


def test_two_clicks_send_one_request(enter: Enter) -> None:
    page = enter("requester")
    fill(page, "two-clicks")
    page.locator("#order-form .form-buttons .btn-primary").dblclick()
    page.wait_for_url(REQUEST)
    page.goto("/vm-requests?q=two-clicks")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_page_follows_from_waiting_to_ready_without_a_click(enter: Enter) -> None:
    asks, decides = enter("requester"), enter("approver")
    fill(asks, "follows", copies=2)
    send(asks)
    asks.wait_for_url(REQUEST)
    decides.goto("/approvals")
    decides.get_by_role("link", name="follows", exact=True).click()
    decides.locator(".decide .btn-primary").click()
    expect(asks.locator(".copies .tone-good")).to_have_count(2, timeout=60_000)
    expect(asks.locator("progress")).to_have_attribute("value", "100")
    asks.locator(".log summary").click()
    expect(asks.locator("#log-lines p").first).to_be_visible()
    check_accessibility(asks)


def test_all_of_it_works_without_javascript(enter: Enter) -> None:
    asks, decides = enter("requester", java_script_enabled=False), enter("approver", java_script_enabled=False)
    fill(asks, "no-script", copies=3)
    assert asks.input_value("[name=name]") == "no-script"
    assert "3" in taken(asks)
    asks.fill("[name=copies]", "5")
    asks.click("[name=recalculate]")
    expect(asks.locator("#estimate .takes li").first).to_contain_text("5")
    send(asks)
    asks.wait_for_url(REQUEST)
    decides.goto("/approvals")
    decides.get_by_label(re.compile("no-script")).check()
    decides.locator(".form-buttons .btn-primary").click()
    expect(decides.locator(".outcome-good")).to_have_count(1)
    # the page loads itself again while work is under way
    asks.goto(asks.url)
    expect(asks.locator(".copies .tone-good")).to_have_count(5, timeout=60_000)


@pytest.mark.parametrize("address", ["/catalogue", ORDER, "/vm-requests"])
def test_a_telephone_needs_no_sideways_scrolling(enter: Enter, address: str) -> None:
    page = enter("requester", viewport={"width": 390, "height": 844})
    page.goto(address)
    check_width(page)
    check_accessibility(page)
