"""A kept seat on real machines: it outlives its class, boots again when its machine died, and is gone in the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import check_accessibility, check_width
from tests.browser.conftest import LogIn, RunningDemo
from tests.browser.test_class import PREPARED_MS, join

pytestmark = [pytest.mark.browser, pytest.mark.minicluster, pytest.mark.root, pytest.mark.slow]

AGAIN_MS = 180_000  # until the worker looks again, and a machine has booted


def opened(page: Page) -> str:
    """A class of two seats that goes on; its address."""
    page.goto("/classes/new?lab=first-steps-linux")
    at = datetime.now(UTC).astimezone(ZoneInfo("Europe/Madrid")) + timedelta(minutes=20)
    page.fill("[name=day]", at.date().isoformat())
    page.fill("[name=at]", at.strftime("%H:%M"))
    page.fill("[name=seats]", "2")
    page.get_by_role("button", name="Reservar la clase").click()
    page.wait_for_url(re.compile(r"/classes/[0-9a-f-]{36}$"))
    prepare = page.get_by_role("button", name="Preparar los puestos ahora")
    if prepare.is_visible():
        prepare.click()
    expect(page.locator("#board .seat.tone-good")).to_have_count(3, timeout=PREPARED_MS)
    page.locator(f"form[action='{page.url.removeprefix(page.url.split('/classes')[0])}/open'] button").click()
    return page.url


def type_into(page: Page, line: str) -> None:
    page.locator("[id^=tab-][id$=-serial]").first.click()
    expect(page.locator("#console-state")).to_have_class(re.compile("tone-good"), timeout=60_000)
    page.locator("[id^=screen-][id$=-serial] textarea").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.type(line, delay=20)
    page.keyboard.press("Enter")


def seats(demo: RunningDemo) -> set[str]:
    """The seats that have files in the cabinet."""
    return {path.name for path in (demo.var / "minicluster" / "cabinet" / "seats").glob("*")}


def machines(seat: str) -> list[int]:
    """The processes of the seat's machines."""
    found = subprocess.run(["pgrep", "-f", f"qemu-system.*{seat}"], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def test_a_kept_seat_outlives_its_class_and_a_power_cut_and_is_gone_in_the_end(
    log_in: LogIn, demo: RunningDemo, chromium: Browser
) -> None:
    before = seats(demo)
    teacher = log_in("teacher")
    address = opened(teacher)
    code = teacher.locator(".join-code").inner_text().replace(" ", "")
    context = chromium.new_context(locale="es-ES", base_url=demo.url, viewport={"width": 1280, "height": 800})
    try:
        student = join(context, code, "Estudiante Uno")
        type_into(student, "echo kept > mine.txt; sync")
        student.locator("#keeping summary").click()
        check_accessibility(student)
        student.locator("#keeping form button").last.click()
        teacher.goto(address)
        check_accessibility(teacher)
        teacher.locator(".keeping-line form").first.locator("button").click()
        expect(teacher.locator(".keeping-line .tone-good")).to_be_visible()
        teacher.goto(f"{address}/end")
        teacher.locator("main form button[type=submit]").first.click()
        expect(teacher.locator("#kept-title")).to_be_visible(timeout=120_000)
        expect(teacher.locator("#board > section").first.locator("[role=status]")).to_have_count(0, timeout=120_000)
        check_accessibility(teacher)
        check_width(teacher)
        (kept,) = seats(demo) - before
        goes_on(student, kept)
        teacher.goto(f"{address}/report")
        expect(teacher.locator("main")).to_contain_text("no queda nada de esta clase", timeout=60_000)
        teacher.goto(address)
        teacher.locator(".keeping-line a.btn-warn").click()
        check_accessibility(teacher)
        teacher.locator("main form button[type=submit]").first.click()
        expect(teacher.locator("#kept-title")).to_have_count(0, timeout=120_000)
        expect(student.locator("h1")).to_have_text("La clase ha terminado", timeout=30_000)
    finally:
        context.close()
    assert (seats(demo), machines(kept)) == (before, [])


def goes_on(student: Page, seat: str) -> None:
    """The room stays, and so does what was written, also when the machine dies."""
    student.goto("/class")
    expect(student.locator("#class-banners .banner")).to_be_visible(timeout=30_000)
    check_accessibility(student)
    check_width(student)
    (only,) = machines(seat)
    os.kill(only, signal.SIGKILL)
    student.goto("/class")
    expect(student.locator(".banner-trouble")).to_be_visible(timeout=AGAIN_MS)
    assert len(machines(seat)) == 1
    student.goto("/class")
    type_into(student, "cat mine.txt")
    expect(student.locator(".xterm-rows:visible")).to_contain_text("kept", timeout=60_000)
