"""A lab's trial through the API: begun, and shown with the lab to those who may try it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabTrialState
from portal.core.policy import Role
from portal.models import LabTrial
from portal.services.preconditions import PASSES_ALREADY
from tests.api.conftest import Caller, problem
from tests.factories import ListQueue
from tests.factories.lab_sessions import make_taught_lab
from tests.factories.moments import NOW


@pytest.fixture
def lab(alan: Caller, db: Session) -> str:
    make_taught_lab(db, owner="farmacia")
    db.commit()
    return "/labs/wiki-page"


def test_a_trial_is_begun_once_and_shown(alan: Caller, lab: str, queue: ListQueue) -> None:
    assert alan.get(lab).get_json()["trial"] is None
    begun = alan.post(f"{lab}/trial")
    assert (begun.status_code, begun.get_json()["state"]) == (202, "running")
    assert alan.get(lab).get_json()["trial"]["state"] == "running"
    assert problem(alan.post(f"{lab}/trial")) == (409, "conflict")


def test_a_result_is_told_step_by_step(alan: Caller, lab: str, db: Session) -> None:
    alan.post(f"{lab}/trial")
    trial = db.scalars(select(LabTrial)).one()
    said = {"passed": False, "waits": False, "es": "Todavía no.", "en": "Not yet."}
    trial.findings = [{"step": "look", "before": said, "after": said, "trouble": PASSES_ALREADY, "params": {}}]
    trial.move_to(LabTrialState.FAILED)
    trial.ended_at = NOW
    db.commit()
    shown = alan.get(lab, **{"Accept-Language": "es"}).get_json()["trial"]
    assert (shown["state"], shown["version"]) == ("failed", 1)
    assert shown["steps"][0]["before"] == "Todavía no."
    assert shown["steps"][0]["good"] is False
    assert shown["steps"][0]["trouble"]


def test_teachers_try_the_labs_of_their_department_only(caller: Callable[..., Caller], lab: str, ada: Caller) -> None:
    tom, tina = caller("tom", Role.TEACHER), caller("tina", Role.TEACHER, "radiologia")
    assert problem(tina.post(f"{lab}/trial"))[0] == 403
    assert problem(ada.post(f"{lab}/trial"))[0] == 403
    assert tom.post(f"{lab}/trial").status_code == 202
    assert tom.get(lab).get_json()["trial"] is not None
    assert tina.get(lab).get_json()["trial"] is None
    assert problem(tom.post("/labs/nothing/trial"))[0] == 404
