"""The whole road in a real browser on real machines: order, approve, watch, use the consoles, give back."""

from __future__ import annotations

import re
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from portal.demo.api import Api
from tests.browser.accessibility import check_accessibility
from tests.browser.conftest import LogIn, RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.minicluster, pytest.mark.root, pytest.mark.slow]

READY_MS = 120_000


def order_micro_linux(page: Page, name: str, copies: int = 1) -> str:
    """Order in the form and return the request's id."""
    page.goto("/catalogue")
    check_accessibility(page)
    page.locator("a[href$='/catalogue/micro-linux/order']").first.click()
    check_accessibility(page)
    page.locator("#order-form [name=purpose]").fill("Prácticas de guardia de la farmacia")
    page.locator("#order-form input[name=size]").first.check()
    page.locator("#order-form input[name=name]").fill(name)
    page.locator("#order-form input[name=copies]").fill(str(copies))
    page.locator("#order-form input[name=ends_on]").fill((datetime.now(UTC).date() + timedelta(days=20)).isoformat())
    page.get_by_role("button", name="Enviar la solicitud").last.click()
    page.wait_for_url(re.compile(r"/vm-requests/[0-9a-f-]{36}$"))
    check_accessibility(page)
    return page.url.rsplit("/", 1)[1]


def approve(page: Page, name: str) -> None:
    page.goto("/approvals")
    check_accessibility(page)
    page.get_by_role("link", name=name).first.click()
    check_accessibility(page)
    page.get_by_role("button", name="Aprobar").click()


def open_serial(page: Page) -> None:
    page.locator("#tab-serial").click()
    expect(page.locator("#console-state")).to_have_class(re.compile("tone-good"), timeout=20_000)


def type_and_read(page: Page, command: str, answer: str) -> None:
    """Type in the serial console until the machine's answer stands on its screen."""
    page.locator("#screen-serial textarea").focus()
    page.keyboard.press("Enter")
    page.keyboard.type(command, delay=20)
    page.keyboard.press("Enter")
    expect(page.locator("#screen-serial .xterm-rows")).to_contain_text(answer, timeout=30_000)


def pixels(page: Page) -> str:
    """The graphical console as the browser has drawn it."""
    drawn = page.locator("#screen-graphical canvas").evaluate("canvas => canvas.toDataURL()")
    assert isinstance(drawn, str)
    return drawn


def see_pixels_change(page: Page) -> None:
    """What is typed on the graphical console shows in its pixels."""
    page.locator("#tab-graphical").click()
    expect(page.locator("#console-state")).to_have_class(re.compile("tone-good"), timeout=20_000)
    canvas = page.locator("#screen-graphical canvas")
    expect(canvas).to_be_visible()
    before = pixels(page)
    canvas.click()
    page.keyboard.press("Enter")
    page.keyboard.type("uname -a", delay=50)
    page.keyboard.press("Enter")
    deadline = time.monotonic() + 30
    while pixels(page) == before:
        assert time.monotonic() < deadline, "the screen never changed"
        page.wait_for_timeout(300)


def test_the_whole_road_from_the_form_to_the_machine_and_back(log_in: LogIn, demo: RunningDemo) -> None:
    asks, decides = log_in("requester"), log_in("approver")
    request_id = order_micro_linux(asks, "guardia")
    approve(decides, "guardia")

    # nobody reloads: the page follows by itself until the machine's link stands there
    machine = asks.locator(".copies a", has_text="guardia")
    expect(asks.locator(".copies .tone-good")).to_have_count(1, timeout=READY_MS)
    check_accessibility(asks)
    machine.click()
    check_accessibility(asks)
    vm_id = asks.url.rsplit("/", 1)[1]
    asks.goto(f"/vms/{vm_id}/console")
    see_pixels_change(asks)
    open_serial(asks)
    type_and_read(asks, "expr 6 '*' 7", "42")
    check_accessibility(asks)

    give_back(asks, vm_id)
    retired(Api(demo.url, demo.accounts["requester"]["token"]), vm_id)
    assert left_behind(demo) == []
    asks.goto(f"/vm-requests/{request_id}")
    check_accessibility(asks)


def give_back(page: Page, vm_id: str) -> None:
    page.goto(f"/vms/{vm_id}")
    page.locator(f"a[href='/vms/{vm_id}/retire']").click()
    check_accessibility(page)
    page.locator("main form button[type=submit]").last.click()


def retired(api: Api, vm_id: str) -> None:
    deadline = time.monotonic() + 90
    while api.call("GET", f"/vms/{vm_id}")["state"] != "retired":
        assert time.monotonic() < deadline, "the machine was not retired in time"
        time.sleep(0.5)


def left_behind(demo: RunningDemo) -> list[str]:
    """Folders and reservations in the cabinet, and guests on the hosts."""
    cabinet = demo.var / "minicluster" / "cabinet"
    files = [str(path) for folder in ("vms", "dhcp") for path in (cabinet / folder).glob("*")]
    guests = subprocess.run(["pgrep", "-af", f"qemu.*{cabinet}/vms"], capture_output=True, text=True, check=False)
    return files + guests.stdout.splitlines()
