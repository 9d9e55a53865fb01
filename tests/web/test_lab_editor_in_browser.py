"""A department's lab in a real browser: the preview follows, mistakes lead to their line, nothing typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Dialog, Page, expect

from portal.core.policy import Role
from portal.models import LabDraft
from portal.services import lab_subscriptions
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories.accounts import actor_for, make_account
from tests.factories.department_labs import SLUG, make_department_lab, publish_again
from tests.factories.moments import NOW
from tests.web.browsing import log_in
from tests.web.conftest import People
from tests.web.test_in_browser import SIZES, refusals

pytestmark = pytest.mark.browser
EDIT = f"/labs/{SLUG}/edit"
GUIDE = f"{EDIT}/files/guide.en.md"


@pytest.fixture
def lab(site: Site, people: People, password_hash: str) -> str:
    """Offered to all, in its second version; Rosa's department has the first one."""
    with site.write_sessions.begin() as db:
        make_department_lab(db, to_all=True)
        make_account(db, "rosa", role=Role.TEACHER, department="radiologia", password_hash=password_hash)
        lab_subscriptions.subscribe(db, actor=actor_for(db, "rosa"), slug=SLUG, version=1, now=NOW)
        publish_again(db)
    return SLUG


def test_the_preview_follows_and_a_mistake_leads_to_its_line(page: Page, address: str, lab: str) -> None:
    heard = refusals(page)
    log_in(page, address, "tom")
    page.goto(address + GUIDE)
    text = page.input_value("#text")
    page.fill("#text", text.replace("Hello again.", "Hello **everybody**.").replace("{#write}", "{#rwite}"))
    expect(page.locator("#preview strong", has_text="everybody")).to_be_visible()
    page.click("#preview a[data-line='13']")
    chosen = page.evaluate("getSelection().toString() || document.activeElement.value.slice("
                           "document.activeElement.selectionStart, document.activeElement.selectionEnd)")  # fmt: skip
    assert chosen == "## Write {#rwite}"
    assert heard == []


def test_whoever_leaves_with_something_unsaved_is_asked(page: Page, address: str, lab: str, site: Site) -> None:
    log_in(page, address, "tom")
    page.goto(address + GUIDE)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.click("#text")
    page.keyboard.type("New words. ")
    page.click(".trail a >> nth=0")
    page.wait_for_timeout(300)
    assert (asked, page.url) == (["beforeunload"], address + GUIDE)
    page.click("text=Save draft")
    page.wait_for_selector("text=The draft is saved.")
    page.goto(f"{address}/labs")
    assert asked == ["beforeunload"]
    with site.sessions() as db:
        assert "New words. " in db.get_one(LabDraft, lab).files["guide.en.md"]


def test_a_text_that_is_too_large_is_told_before_it_is_sent(page: Page, address: str, lab: str) -> None:
    log_in(page, address, "tom")
    page.goto(address + GUIDE)
    page.evaluate("document.getElementById('text').value = 'x'.repeat(10 * 1024 * 1024)")
    page.click("text=Save draft")
    expect(page.locator("#text-size")).to_have_text("This is larger than 256 KiB. Please shorten it before you save.")
    assert page.evaluate("document.getElementById('text').value.length") == 10 * 1024 * 1024


@pytest.mark.slow
@pytest.mark.parametrize(
    ("login", "places"),
    [
        ("tom", ("/labs", f"/labs/{SLUG}", GUIDE, f"{EDIT}/about", f"{EDIT}/machines", f"{EDIT}/files",
                 f"{EDIT}/files/lab.yml", f"/labs/{SLUG}/publish", f"/labs/{SLUG}/offer", "/labs/wiki-page/clone")),
        ("rosa", ("/labs", f"/labs/{SLUG}", f"/labs/{SLUG}/news")),
    ],
)  # fmt: skip
def test_pages_of_departments_labs_are_accessible_and_fit(
    page: Page, address: str, lab: str, site: Site, login: str, places: tuple[str, ...]
) -> None:
    heard = refusals(page)
    with site.write_sessions.begin() as db:  # something to publish, with a mistake
        draft = db.get_one(LabDraft, lab)
        draft.files = {**draft.files, "guide.en.md": draft.files["guide.en.md"] + "\n[x](door:nothing)\n"}
    log_in(page, address, login)
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for place in places:
            page.goto(address + place)
            check_accessibility(page)
            check_width(page)
    assert heard == []
