"""The trial on the page of a lab: begun by a button, followed step by step, and its result in the library."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabTrialState, WorkflowState
from portal.models import AuditEntry, Lab, LabTrial, Workflow
from portal.services.preconditions import PASSES_ALREADY
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories.cluster import make_host
from tests.factories.labs import make_lab, make_micro_linux
from tests.factories.moments import NOW
from tests.web.browsing import log_in
from tests.web.conftest import CheckingClient, People
from tests.web.test_in_browser import SIZES

PAGE = "/labs/wiki-page"
SAID = {"passed": False, "waits": False, "es": "Todavía no.", "en": "Not yet."}


@pytest.fixture
def lab(site: Site, people: People) -> str:
    with site.write_sessions.begin() as db:
        make_micro_linux(db)
        make_lab(db, "wiki-page", owner="farmacia")
        for number in (1, 2, 3):
            make_host(db, f"hv{number}", address=f"10.77.0.1{number}")
    return "wiki-page"


@pytest.fixture
def admin(client: CheckingClient, lab: str) -> CheckingClient:
    return client.log_in("alan")


def finding(step: str, trouble: str = "", **params: str) -> dict[str, Any]:
    after = {"passed": not trouble, "waits": False, "es": "", "en": ""}
    return {"step": step, "before": SAID, "after": after, "trouble": trouble, "params": params}


def tried(site: Site, *findings: dict[str, Any], **changes: Any) -> None:
    """One that is over, with this result."""
    with site.write_sessions.begin() as db:
        version = db.get_one(Lab, "wiki-page").newest
        assert version is not None
        ordinary = {
            "lab_version_id": version.id,
            "seat_vcpus": 2,
            "seat_memory_mib": 256,
            "seat_disk_gib": 2,
            "asked_at": NOW,
            "ended_at": NOW,
            "boot_s": 41.26,
            "state": LabTrialState.PASSED,
            "findings": list(findings) or [finding("look"), finding("write")],
        }
        db.add(LabTrial(**{**ordinary, **changes}))


def test_the_button_begins_one_trial_which_is_followed_on_the_page(admin: CheckingClient, db: Session) -> None:
    assert "not proven yet" in admin.get(PAGE).text
    assert admin.send(f"{PAGE}/trial", {}).location == f"{PAGE}#trial"
    (trial,) = db.scalars(select(LabTrial))
    assert db.get_one(Workflow, trial.workflow_id).kind == "try_lab"
    text = admin.get(PAGE).text
    assert f'hx-get="{PAGE}/trial"' in text
    assert "not tried yet" in text
    assert f'action="{PAGE}/trial"' not in text
    admin.send(f"{PAGE}/trial", {})
    assert len(list(db.scalars(select(LabTrial)))) == 1
    assert "lab.trying" in set(db.scalars(select(AuditEntry.action)))


def test_a_trial_that_nobody_has_begun_yet_is_stopped_at_once(admin: CheckingClient, db: Session) -> None:
    admin.send(f"{PAGE}/trial", {})
    assert f'action="{PAGE}/trial/stop"' in admin.get(PAGE).text
    admin.send(f"{PAGE}/trial/stop", {})
    (trial,) = db.scalars(select(LabTrial))
    assert trial.state == LabTrialState.STOPPED
    assert trial.ended_at is not None
    assert "not proven yet" in admin.get(PAGE).text
    assert admin.send(f"{PAGE}/trial/stop", {}).status_code == 302


def test_a_proven_lab_says_when_and_which_version(admin: CheckingClient, site: Site) -> None:
    tried(site)
    for text in (admin.get(PAGE).text, admin.get("/labs").text):
        assert "proven on" in text
        assert "version 1" in text
    assert "41.3 s" in admin.get(PAGE).text


def test_a_newer_version_is_not_proven_by_the_old_one(admin: CheckingClient, site: Site) -> None:
    tried(site)
    with site.write_sessions.begin() as db:
        make_lab(db, "wiki-page", owner="farmacia", minutes=50)
    assert "version 2 is not proven yet" in admin.get(PAGE).text


def test_a_failed_step_is_named_with_its_number_and_why(admin: CheckingClient, site: Site) -> None:
    tried(site, finding("look"), finding("write", PASSES_ALREADY), state=LabTrialState.FAILED)
    text = admin.get(PAGE).text
    assert "step 2 failed" in text
    assert "Its checks pass before anything was done." in text
    assert "step 2 failed" in admin.get("/labs").text


def test_what_does_not_fit_between_the_guides_is_told_with_file_and_line(admin: CheckingClient, site: Site) -> None:
    params = {"action": "type desk uptime"}
    words = "the other language has no “%(action)s” in this step"
    mistake = {"file": "guide.es.md", "line": 5, "field": "look", "message": words, "params": params}
    tried(site, guide_mistakes=[mistake], state=LabTrialState.FAILED)
    text = admin.get(PAGE).text
    assert "its guides do not fit" in text
    assert "guide.es.md:5" in text


def test_the_newest_result_counts_and_a_stopped_trial_is_none(admin: CheckingClient, site: Site) -> None:
    tried(site)
    tried(site, asked_at=NOW.replace(year=NOW.year + 1), state=LabTrialState.STOPPED, findings=[])
    assert "proven on" in admin.get(PAGE).text


def test_the_fragment_stops_fetching_itself_when_it_is_over(admin: CheckingClient, site: Site) -> None:
    admin.send(f"{PAGE}/trial", {})
    with site.write_sessions.begin() as db:
        for workflow in db.scalars(select(Workflow)):
            workflow.state = WorkflowState.DONE
        for trial in db.scalars(select(LabTrial)):
            trial.ended_at = NOW
            trial.move_to(LabTrialState.PASSED)
    assert "hx-get" not in admin.get(f"{PAGE}/trial").text


def test_a_teacher_tries_the_labs_of_the_own_department_only(client: CheckingClient, site: Site, lab: str) -> None:
    tom = client.log_in("tom")
    assert "Try this lab for real" in tom.get(PAGE).text
    assert "not proven yet" not in tom.get("/labs").text
    with site.write_sessions.begin() as db:
        make_lab(db, "wiki-page", owner="informatica")
    assert "Try this lab for real" not in tom.get(PAGE).text
    assert tom.get(f"{PAGE}/trial").status_code == 404
    tom.send(f"{PAGE}/trial", {})
    with site.sessions() as db:
        assert db.scalar(select(LabTrial)) is None


@pytest.mark.browser
@pytest.mark.slow
def test_a_failed_trial_is_accessible_and_fits_wide_and_narrow(page: Page, address: str, site: Site, lab: str) -> None:
    tried(site, finding("look"), finding("write", PASSES_ALREADY), state=LabTrialState.FAILED)
    log_in(page, address, "alan")
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(f"{address}{PAGE}")
        check_accessibility(page)
        check_width(page)
