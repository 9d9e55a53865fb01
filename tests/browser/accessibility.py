"""axe-core on the page that is open: WCAG 2.2 A and AA."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

AXE = (Path(__file__).parent.parent / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def check_accessibility(page: Page) -> None:
    """Fail with every violation in words; nothing is excluded."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES)
    broken = [
        f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes']]}" for one in found["violations"]
    ]
    assert broken == [], f"{page.url}: " + "\n".join(broken)
    assert found["passes"], "axe looked at nothing"


def check_width(page: Page) -> None:
    """No horizontal scrolling (WCAG 1.4.10 Reflow)."""
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{page.url} is {wider} px wider than its window"
