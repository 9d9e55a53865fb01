"""`vivero lab`: what it says of the folders."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.backends import fake_cluster
from portal.cli import carried_trials, lab_check
from portal.config import ROOT, read_settings
from portal.core.lifecycle import HostState, LabTrialState, WorkflowState
from portal.models import Claim, Lab, LabTrial, Workflow
from portal.wiring import build_site, close_site
from tests.cli.conftest import Vivero
from tests.factories import make_host


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """labs/ of this test alone."""
    shutil.copytree(ROOT / "labs", tmp_path / "labs")
    monkeypatch.setenv("VIVERO_LABS_DIR", str(tmp_path / "labs"))
    monkeypatch.setattr(lab_check, "set_up_logging", lambda stream, libraries: None)  # it would outlive the test
    return tmp_path / "labs"


def break_isolation(folders: Path) -> None:
    file = folders / "isolation" / "lab.yml"
    file.write_text(re.sub(r"(?m)^minutes: \d+$", "minutes: long", file.read_text()))


def test_read_is_content_with_the_labs_that_we_ship(vivero: Vivero, folders: Path) -> None:
    assert "first-steps-linux: good" in vivero("lab", "read").splitlines()
    assert vivero("lab", "read", "isolation").splitlines() == ["isolation: good"]


def test_read_names_file_line_and_field_and_fails(vivero: Vivero, folders: Path) -> None:
    break_isolation(folders)
    assert "isolation/lab.yml:8: minutes: must be a whole number" in vivero("lab", "read", code=1)


def test_read_knows_no_lab_outside_the_folder(vivero: Vivero, folders: Path) -> None:
    assert "There is no lab" in vivero("lab", "read", "../labs", code=1)


def test_list_says_what_is_there_and_what_is_wrong(vivero: Vivero, folders: Path) -> None:
    break_isolation(folders)
    said = vivero("lab", "list")
    assert "1 machines, 5 steps, 60 minutes: First steps on a Linux server" in said
    assert "broken: lab.yml:8: minutes" in said


def test_the_labs_come_with_the_catalogue(vivero: Vivero, folders: Path, db: Session) -> None:
    said = vivero("template", "sync")
    assert f"labs added: {', '.join(sorted(folder.name for folder in folders.iterdir()))}" in said.splitlines()
    assert db.get_one(Lab, "isolation").newest is not None


def test_check_knows_no_lab_that_is_not_there_and_none_with_mistakes(vivero: Vivero, folders: Path) -> None:
    break_isolation(folders)
    for slug in ("nothing", "isolation"):
        assert f"There is no lab “{slug}” without mistakes" in vivero("lab", "check", slug, code=1)


def test_check_says_that_there_is_no_host_for_a_seat(vivero: Vivero, folders: Path) -> None:
    assert "isolation: No host has room" in vivero("lab", "check", "isolation", code=1)


def test_check_says_which_template_is_not_built(vivero: Vivero, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVERO_TEMPLATES_DIR", str(folders.parent / "none"))
    (folders.parent / "none").mkdir()
    assert "needs the template “micro-linux”" in vivero("lab", "check", "isolation", code=1)


def test_check_asks_no_host_that_is_being_emptied(vivero: Vivero, folders: Path, db: Session) -> None:
    make_host(db, "hv1", state=HostState.DRAINING)
    db.commit()
    assert "No host has room" in vivero("lab", "check", "isolation", code=1)


def test_check_wants_one_lab_or_all(vivero: Vivero, folders: Path) -> None:
    assert "name one lab, or say --all" in vivero("lab", "check", code=2)
    assert "name one lab, or say --all" in vivero("lab", "check", "isolation", "--all", code=2)


LAB = """
title: {es: Un lab, en: A lab}
summary: {es: Poco., en: Little.}
subject: linux
level: beginner
minutes: 30
owner: informatica
offered_to: all
networks: [{name: lan, cidr: 10.20.0.0/24}]
machines:
  - name: desk
    label: {es: Una, en: One}
    template: micro-linux
    size: tiny
    addresses: [{network: lan, address: 10.20.0.10}]
doors: []
steps:
  - slug: make
    title: {es: Hacer, en: Make}
    checks: [{by: agent, machine: desk, script: checks/made.sh, message: {es: Falta., en: Missing.}}]
    solutions: [{machine: desk, script: solutions/make.sh}]
"""


def write_lab(folder: Path, *, makes: str = "/srv/made") -> None:
    for name in ("checks", "solutions"):
        (folder / name).mkdir(parents=True)
    (folder / "lab.yml").write_text(LAB)
    (folder / "checks" / "made.sh").write_text("test -e /srv/made\n")
    (folder / "solutions" / "make.sh").write_text(f"touch {makes}\n")
    for language in ("es", "en"):
        (folder / f"guide.{language}.md").write_text("## Do it {#make}\n\n```type desk\ntouch /srv/made\n```\n")


@pytest.fixture
def little_labs(folders: Path, db: Session, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good one and a bad one, and a cluster whose machines boot at once."""
    shutil.rmtree(folders)
    write_lab(folders / "good")
    write_lab(folders / "wrong", makes="/srv/other")
    for number in (1, 2):
        make_host(db, f"hv{number}", address=f"10.77.0.1{number}")
    db.commit()
    monkeypatch.setattr(fake_cluster, "BOOT_S", 0.0)
    return folders


def test_check_tries_all_labs_says_each_step_and_a_table_and_leaves_nothing(
    vivero: Vivero, little_labs: Path, db: Session
) -> None:
    lines = vivero("lab", "check", "--all", code=1).splitlines()
    lines = [line for line in lines if "workflow" not in line]  # what goes to the log
    assert lines[0] == "good: make: fails before, passes after"
    assert lines[1].startswith("wrong: make: Its checks fail after the solution: Falta. (/srv/made is not there)")
    assert [line.split()[:2] for line in lines[2:]] == [["lab", "version"], ["good", "1"], ["wrong", "1"]]
    assert lines[3].endswith("proven")
    assert lines[4].endswith("bad: make")
    trials = list(db.scalars(select(LabTrial)))
    assert {str(trial.state) for trial in trials} == {"passed", "failed"}
    assert all(trial.ended_at is not None for trial in trials)
    assert db.scalar(select(Claim.id)) is None


def test_check_of_a_good_lab_ends_with_0(vivero: Vivero, little_labs: Path) -> None:
    assert "proven" in vivero("lab", "check", "good")


def test_check_first_takes_away_what_a_dead_command_has_left(vivero: Vivero, little_labs: Path, db: Session) -> None:
    vivero("lab", "check", "good")
    trial = db.scalars(select(LabTrial)).one()
    workflow = db.get_one(Workflow, trial.workflow_id)
    trial.ended_at, trial.state, workflow.state = None, LabTrialState.RUNNING, WorkflowState.RUNNING
    trial.alive_until = trial.asked_at - timedelta(minutes=10)
    db.commit()
    assert "proven" in vivero("lab", "check", "good")
    db.expire_all()
    assert trial.ended_at is not None
    assert trial.state == LabTrialState.FAILED


def test_a_check_that_is_asked_to_stop_takes_its_seat_away(vivero: Vivero, little_labs: Path, db: Session) -> None:
    vivero("template", "sync")
    site = build_site(read_settings())
    try:
        carried = carried_trials.begin(site, "good")
        (*_, last) = carried.watch(lambda: True)
    finally:
        close_site(site)
    assert last.ended_at is not None
    assert last.state != LabTrialState.RUNNING
    assert db.scalar(select(Claim.id)) is None
