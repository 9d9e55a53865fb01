"""`vivero template`: what it says, and what it refuses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from portal.backends.template_versions import sha256_of
from portal.cli.signals import told_to_stop
from portal.cli.template import variables_of
from portal.config import ROOT
from portal.models import Template
from tests.cli.conftest import Vivero


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """templates_vm/ and the cabinet of this test alone."""
    folders = tmp_path / "templates_vm"
    folders.mkdir()
    for slug in ("micro-linux", "windows-xp-app"):
        shutil.copytree(ROOT / "templates_vm" / slug, folders / slug)
    monkeypatch.setenv("VIVERO_TEMPLATES_DIR", str(folders))
    monkeypatch.setenv("VIVERO_CABINET", str(tmp_path / "cabinet"))
    return folders


def test_check_is_content_with_good_folders(vivero: Vivero, folders: Path) -> None:
    assert vivero("template", "check").splitlines() == ["micro-linux: good", "windows-xp-app: good"]


def test_check_names_file_line_and_field_and_fails(vivero: Vivero, folders: Path) -> None:
    file = folders / "micro-linux" / "template.yml"
    file.write_text(file.read_text().replace("timeout_s: 180", "timeout_s: soon"))
    line = file.read_text()[: file.read_text().index("soon")].count("\n") + 1
    assert f"micro-linux/template.yml:{line}: ready.timeout_s" in vivero("template", "check", code=1)


def test_list_says_why_something_cannot_be_ordered(vivero: Vivero, folders: Path) -> None:
    said = vivero("template", "list")
    assert "build its disk with “vivero template build micro-linux”" in said
    assert "bring its disk with “vivero template bring windows-xp-app <disk>”" in said


def test_a_brought_disk_makes_the_template_orderable(vivero: Vivero, folders: Path, tmp_path: Path) -> None:
    disk = tmp_path / "xp.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "4M"], check=True)
    assert sha256_of(disk) in vivero("template", "bring", "windows-xp-app", str(disk), code=1)
    file = folders / "windows-xp-app" / "template.yml"
    file.write_text(file.read_text().replace("sha256: null", f'sha256: "{sha256_of(disk)}"'))
    assert "windows-xp-app v1 is ready" in vivero("template", "bring", "windows-xp-app", str(disk))
    assert "orderable: v1" in vivero("template", "list")


def test_sync_fills_the_catalogue(vivero: Vivero, folders: Path, engine: Engine) -> None:
    assert "added: micro-linux, windows-xp-app" in vivero("template", "sync")
    with Session(engine) as db:
        assert len(db.get_one(Template, "micro-linux").versions) == 1


@pytest.mark.parametrize("slug", ["nothing", "../templates_vm", "windows-xp-app", "micro-linux"])
def test_what_cannot_be_built_is_refused_in_one_line(vivero: Vivero, folders: Path, slug: str) -> None:
    assert vivero("template", "build", slug, code=1).startswith("vivero: ")


def test_a_variable_that_is_no_templates_is_refused(
    vivero: Vivero, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVERO_PLAYBOOKS", "ansible")
    assert "ansible_user" in vivero("template", "build", "micro-linux", "--set", "ansible_user=x", code=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_asks_the_build_to_stop_instead_of_leaving_its_playbook_alone(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with told_to_stop() as stopped:
        assert not stopped()
        os.kill(os.getpid(), number)
        assert stopped()
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("moodle 5.tgz", "{here}/moodle 5.tgz"),
        ("/srv/moodle.tgz", "/srv/moodle.tgz"),
        ("https://mirror.hospital.test/moodle.tgz", "https://mirror.hospital.test/moodle.tgz"),
        ("", ""),
    ],
)
def test_a_source_beside_the_person_is_found_by_the_playbook_too(
    given: str, taken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = variables_of([f"template_moodle_source={given}", "template_moodle_sha256=abc"])
    assert variables == {"template_moodle_source": taken.format(here=tmp_path), "template_moodle_sha256": "abc"}
