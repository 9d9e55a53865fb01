"""`vivero lab`: what it says of the folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from portal.config import ROOT
from portal.core.lifecycle import HostState
from portal.models import Lab
from tests.cli.conftest import Vivero
from tests.factories import make_host


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """labs/ of this test alone."""
    shutil.copytree(ROOT / "labs", tmp_path / "labs")
    monkeypatch.setenv("VIVERO_LABS_DIR", str(tmp_path / "labs"))
    return tmp_path / "labs"


def break_isolation(folders: Path) -> None:
    file = folders / "isolation" / "lab.yml"
    file.write_text(file.read_text().replace("minutes: 75", "minutes: long"))


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
    assert "No host can take a seat of the lab “isolation” now." in vivero("lab", "check", "isolation", code=1)
    assert "There is no host “hv9”." in vivero("lab", "check", "isolation", "--host", "hv9", code=1)


def test_check_says_which_template_is_not_built(vivero: Vivero, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVERO_TEMPLATES_DIR", str(folders.parent / "none"))
    (folders.parent / "none").mkdir()
    assert "needs the template “micro-linux”" in vivero("lab", "check", "isolation", code=1)


def test_check_asks_no_host_that_is_being_emptied(vivero: Vivero, folders: Path, db: Session) -> None:
    make_host(db, "hv1", state=HostState.DRAINING)
    db.commit()
    assert "No host can take a seat" in vivero("lab", "check", "isolation", code=1)
