"""The rehearsal on the page of a class: begun by a button, and its result step by step."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabSessionState, WorkflowState
from portal.models import Account, LabSession, Rehearsal, Workflow
from portal.services.preconditions import NO_ANSWER, PASSES_ALREADY
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories.cluster import make_host
from tests.factories.lab_sessions import make_lab_session, make_taught_lab
from tests.factories.moments import NOW
from tests.web.browsing import log_in
from tests.web.conftest import CheckingClient, People
from tests.web.test_in_browser import SIZES


@pytest.fixture
def class_id(site: Site, people: People) -> UUID:
    with site.write_sessions.begin() as db:
        make_taught_lab(db)
        for number in (1, 2, 3):
            make_host(db, f"hv{number}", address=f"10.77.0.1{number}")
        return make_lab_session(db, teacher=db.get_one(Account, people.tom)).id


@pytest.fixture
def tom(client: CheckingClient, class_id: UUID) -> CheckingClient:
    return client.log_in("tom")


def rehearsed(site: Site, class_id: UUID, **changes: Any) -> None:
    """One that is over, with this result."""
    with site.write_sessions.begin() as db:
        spec = db.get_one(LabSession, class_id).lab_version.spec
        findings = [{"step": step["slug"], "trouble": "", "params": {}} for step in spec["steps"]]
        ordinary = {"findings": findings, "boot_s": 41.26, "restore_s": 1.5, "reported_at": NOW, "ended_at": NOW}
        db.add(Rehearsal(lab_session_id=class_id, asked_at=NOW, **{**ordinary, **changes}))


def test_the_button_begins_a_rehearsal_once(tom: CheckingClient, class_id: UUID, db: Session) -> None:
    page = f"/classes/{class_id}"
    assert tom.send(f"{page}/rehearse", {}).location == page
    (rehearsal,) = db.scalars(select(Rehearsal))
    assert db.get_one(Workflow, rehearsal.workflow_id).kind == "rehearse_class"
    text = tom.get(page).text
    assert f'hx-get="{page}/rehearsal"' in text
    assert f'action="{page}/rehearse"' not in text
    tom.send(f"{page}/rehearse", {})
    assert len(list(db.scalars(select(Rehearsal)))) == 1


def test_a_green_result_is_shown_with_its_times(tom: CheckingClient, class_id: UUID, site: Site) -> None:
    rehearsed(site, class_id)
    text = tom.get(f"/classes/{class_id}").text
    assert "41.3 s" in text
    assert "1.5 s" in text
    assert "tone-bad" not in text
    assert f'action="/classes/{class_id}/rehearse"' in text


def test_a_red_step_says_why(tom: CheckingClient, class_id: UUID, site: Site) -> None:
    with site.sessions() as db:
        step = db.get_one(LabSession, class_id).lab_version.spec["steps"][0]["slug"]
    rehearsed(site, class_id, findings=[{"step": step, "trouble": PASSES_ALREADY, "params": {}}])
    assert "tone-bad" in tom.get(f"/classes/{class_id}").text


def test_the_fragment_stops_fetching_itself_when_it_is_over(
    tom: CheckingClient, class_id: UUID, db: Session, site: Site
) -> None:
    tom.send(f"/classes/{class_id}/rehearse", {})
    with site.write_sessions.begin() as own:
        for workflow in own.scalars(select(Workflow)):
            workflow.state = WorkflowState.DONE
    assert "hx-get" not in tom.get(f"/classes/{class_id}/rehearsal").text


def test_a_class_that_is_on_is_not_rehearsed(tom: CheckingClient, class_id: UUID, site: Site, db: Session) -> None:
    with site.write_sessions.begin() as own:
        own.get_one(LabSession, class_id).state = LabSessionState.READY
    tom.send(f"/classes/{class_id}/rehearse", {})
    assert db.scalar(select(Rehearsal)) is None


def test_nobody_rehearses_the_class_of_others(client: CheckingClient, class_id: UUID) -> None:
    eve = client.log_in("ada")
    assert eve.send(f"/classes/{class_id}/rehearse", {}).status_code in (403, 404)


@pytest.mark.browser
@pytest.mark.slow
def test_a_red_rehearsal_is_accessible_and_fits_wide_and_narrow(
    page: Page, address: str, site: Site, class_id: UUID
) -> None:
    trouble = {"step": "write", "trouble": NO_ANSWER, "params": {"machine": "wiki"}}
    rehearsed(site, class_id, findings=[trouble, {"step": "keep", "trouble": "", "params": {}}])
    log_in(page, address, "tom")
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(f"{address}/classes/{class_id}")
        check_accessibility(page)
        check_width(page)
