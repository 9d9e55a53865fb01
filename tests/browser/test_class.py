"""A class in real browsers on real machines: booked, restored, taught, helped, moved on, ended, and nothing left."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.bench.weight import descendants
from portal.minicluster import Minicluster
from tests.browser.accessibility import check_accessibility, check_width
from tests.browser.conftest import LogIn, RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.minicluster, pytest.mark.root, pytest.mark.slow]

PREPARED_MS = 240_000
SEATS = 6


def inventory(demo: RunningDemo) -> list[str]:
    """What people's and students' machines have in the cabinet and on the hosts; saved images may stay."""
    cabinet = demo.var / "minicluster" / "cabinet"
    files = [str(path) for folder in ("vms", "dhcp", "seats") for path in (cabinet / folder).glob("*")]
    first = Minicluster(cabinet.parent).first_processes().values()  # other hosts may be at work beside these
    running = [command_of(pid) for host in first for pid in descendants(host)]
    return sorted(files + [command for command in running if "/seats/" in command])


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def book(page: Page) -> str:
    """A class of the lab with two machines a seat; returns its address."""
    page.goto("/labs/isolation")
    check_accessibility(page)
    page.get_by_role("link", name="Reservar una clase").click()
    check_accessibility(page)
    at = datetime.now(UTC).astimezone(ZoneInfo("Europe/Madrid")) + timedelta(minutes=20)
    page.fill("[name=day]", at.date().isoformat())
    page.fill("[name=at]", at.strftime("%H:%M"))
    page.fill("[name=seats]", str(SEATS))
    page.fill("[name=room]", "Aula 1")
    page.get_by_role("button", name="Reservar la clase").click()
    page.wait_for_url(re.compile(r"/classes/[0-9a-f-]{36}$"))
    check_accessibility(page)
    check_width(page)
    return page.url


def join(context: BrowserContext, code: str, name: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"/join?code={code}")
    check_accessibility(page)
    page.fill("[name=name]", name)
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("#guide")).to_be_visible(timeout=30_000)
    return page


def follow_by_typing(page: Page, typed: list[tuple[str, str]]) -> None:
    """Type into the machines' text consoles what the guide's author would, and check the step."""
    for machine, lines in typed:
        page.locator(f"#tab-{machine}-serial").click()
        expect(page.locator("#console-state")).to_have_class(re.compile("tone-good"), timeout=20_000)
        page.locator(f"#screen-{machine}-serial textarea").focus()
        page.keyboard.press("Enter")
        for line in lines.strip().splitlines():
            page.keyboard.type(line.strip(), delay=5)
            page.keyboard.press("Enter")
            page.wait_for_timeout(700)
    page.wait_for_timeout(1_500)
    page.locator("#check-button").click()
    expect(page.locator("#check-said .said-good")).to_be_visible(timeout=30_000)


FILTER = """cat > /etc/nftables.conf <<'END'
flush ruleset
table inet isolation {
chain in { type filter hook input priority 0; policy drop; iif lo accept; ct state established accept; }
chain out { type filter hook output priority 0; policy drop; oif lo accept; ct state established accept; }
}
END
nft -f /etc/nftables.conf"""
WORK = [  # by step: machine, and what is typed there
    [
        (
            "legacy",
            """mkdir -p app
            echo '<h1>Old application</h1>' > app/index.html
            httpd -p 8080 -h app
            setsid nc -ll -p 2323 -e /bin/sh < /dev/null > /dev/null 2>&1 &""",
        )
    ],
    [
        (
            "desk",
            "for p in 443 2323 8080; do echo exit | nc -w 2 legacy $p > /dev/null 2>&1 && echo $p >> open.txt; done",
        )
    ],
    [("legacy", "killall nc")],
    [
        ("legacy", FILTER),
        ("legacy", "nft insert rule inet isolation in ip saddr 10.30.0.10 tcp dport 8080 accept"),
        ("legacy", "(echo flush ruleset; nft -s list ruleset) > /etc/nftables.conf"),
        ("desk", "timeout 20 wget -O proof.txt http://legacy:8080/"),
    ],
    [
        ("desk", "nc -l -p 2575 > results.txt &"),
        ("legacy", "nft insert rule inet isolation out ip daddr 10.30.0.10 tcp dport 2575 accept"),
        ("legacy", "(echo flush ruleset; nft -s list ruleset) > /etc/nftables.conf"),
        ("legacy", "echo 'result 1: normal' | nc -w 3 10.30.0.10 2575"),
    ],
    [
        (
            "desk",
            """printf 'port: 8080\\nfrom: desk\\nowner: farmacia\\nreason: sin sustituta\\n' > isolation.txt
            echo until: $(date +%F) >> isolation.txt""",
        )
    ],
]


def test_a_class_from_the_booking_to_the_proof_that_nothing_is_left(
    log_in: LogIn, demo: RunningDemo, chromium: Browser
) -> None:
    before = inventory(demo)
    teacher = log_in("teacher")
    address = book(teacher)
    code = teacher.locator(".join-code").inner_text().replace(" ", "")
    prepare = teacher.get_by_role("button", name="Preparar los puestos ahora")
    if prepare.is_visible():
        prepare.click()
    expect(teacher.locator("#board .seat.tone-good")).to_have_count(SEATS + 1, timeout=PREPARED_MS)
    check_accessibility(teacher)

    contexts = [
        chromium.new_context(locale="es-ES", base_url=demo.url, viewport={"width": 1280, "height": 800}),
        chromium.new_context(locale="en-GB", base_url=demo.url, viewport={"width": 390, "height": 844}),
    ]
    try:
        works, asks = join(contexts[0], code, "Estudiante Uno"), join(contexts[1], code, "Student Two")
        for page in (works, asks):
            check_accessibility(page)
            check_width(page)
        students_at_work(works, asks)
        see_from_above(teacher, works, address)
        take_over(teacher, works, address)
        move_on_and_reset(teacher, works, asks, address)
        end(teacher, works, address)
    finally:
        for context in contexts:
            context.close()
    assert inventory(demo) == before


def students_at_work(works: Page, asks: Page) -> None:
    """One follows the guide in the console and opens a door; the other asks for help on a phone."""
    works.locator("#check-button").click()
    expect(works.locator("#check-said .said-bad")).to_be_visible(timeout=30_000)
    follow_by_typing(works, WORK[0])
    open_the_door(works, asks)
    for typed in WORK[1:]:
        works.get_by_role("button", name="Siguiente").click()
        expect(works.locator("#check-said .said-good")).to_have_count(0)
        follow_by_typing(works, typed)
    expect(works.locator(".guide-dot-done")).to_have_count(len(WORK))
    asks.locator("#hand summary").click()
    asks.fill("#hand-text", "I do not see the page")
    asks.locator("#hand form button").last.click()
    expect(asks.locator(".hand-up")).to_be_visible()


def open_the_door(works: Page, asks: Page) -> None:
    """An origin of its own, and closed to the other student."""
    with works.context.expect_page() as opened:
        works.locator("#guide button[data-action=door]").first.click()
    door = opened.value
    expect(door.locator("h1")).to_have_text("Old application", timeout=30_000)
    assert re.match(r"http://seat-[0-9a-f]{24}\.localhost:", door.url)
    stranger = asks.context.new_page()  # of another seat
    refused = stranger.goto(door.url)
    assert refused is not None
    assert refused.status == 403
    stranger.close()
    door.close()


def see_from_above(teacher: Page, works: Page, address: str) -> None:
    teacher.goto(address)
    expect(teacher.locator("#hands-title + ol li")).to_contain_text("I do not see the page")
    expect(teacher.locator(".at-step-passed")).to_have_count(len(WORK))
    expect(teacher.locator("#wall img")).to_have_count(4)  # two students with two machines each
    for image in teacher.locator("#wall img").all():
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("image => image.naturalWidth") > 0
    check_accessibility(teacher)
    teacher.get_by_role("button", name=re.compile("^Bajar la mano")).click()
    expect(teacher.locator("#hands-title")).to_have_count(0)
    teacher.fill("#notice-text", "Miren todos a la pizarra")
    teacher.get_by_role("button", name="Enviar").click()
    expect(works.locator(".banner")).to_contain_text("Miren todos a la pizarra", timeout=15_000)


def take_over(teacher: Page, works: Page, address: str) -> None:
    """Both see what is typed, and the student is told that somebody is there."""
    teacher.goto(f"{address}/seats/1/desk/console?take=yes")
    teacher.locator("[data-kind=serial]").first.click()
    expect(teacher.locator("#console-state")).to_have_class(re.compile("tone-good"), timeout=20_000)
    expect(works.locator(".banner").first).to_contain_text("Su docente está en su máquina", timeout=15_000)
    works.locator("#tab-desk-serial").click()
    expect(works.locator("#console-state")).to_have_class(re.compile("tone-good"), timeout=20_000)
    teacher.locator("[id^=screen-] textarea").last.focus()
    teacher.keyboard.type("expr 6 '*' 7", delay=20)
    teacher.keyboard.press("Enter")
    for page in (teacher, works):
        expect(page.locator(".xterm-rows:visible")).to_contain_text("42", timeout=20_000)
    check_accessibility(teacher)


def move_on_and_reset(teacher: Page, works: Page, asks: Page, address: str) -> None:
    teacher.goto(address)
    teacher.select_option("#bring-step", index=2)
    teacher.get_by_role("button", name="Llevar", exact=True).click()
    expect(works.locator(".guide-count")).to_contain_text(f"Paso 3 de {len(WORK)}", timeout=60_000)
    expect(asks.locator(".guide-count")).to_contain_text(f"Step 3 of {len(WORK)}", timeout=60_000)
    teacher.goto(f"{address}/reset?seat=2")
    check_accessibility(teacher)
    teacher.locator("main form button[type=submit]").first.click()
    expect(teacher.locator("#board .seat.tone-busy")).to_have_count(2, timeout=60_000)


def end(teacher: Page, works: Page, address: str) -> None:
    teacher.goto(f"{address}/end")
    teacher.locator("main form button[type=submit]").first.click()
    expect(teacher.locator("#board")).to_contain_text("Sus máquinas ya no existen", timeout=120_000)
    expect(works.locator("h1")).to_have_text("La clase ha terminado", timeout=15_000)
    teacher.goto(f"{address}/report")
    expect(teacher.locator("main")).to_contain_text("no queda nada de esta clase", timeout=15_000)
    check_accessibility(teacher)
    check_width(teacher)
