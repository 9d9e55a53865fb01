"""What is cheap to know about the roles that build templates: they parse, and their scripts can run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from portal.backends.template_builds import digest_of, roles_of
from portal.config import ROOT

ROLES = ROOT / "playbooks" / "roles"
SCRIPTS = sorted(
    path
    for path in ROLES.glob("template_*/files/**/*")
    if path.is_file() and not path.is_symlink() and path.read_bytes().startswith(b"#!")
)


def test_the_build_playbook_parses() -> None:
    playbook = ROOT / "playbooks" / "build_template.yml"
    program = Path(sys.executable).parent / "ansible-playbook"
    done = subprocess.run(
        [program, "--syntax-check", "-i", "localhost,", playbook],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_ROLES_PATH": str(ROLES), "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr


def test_base_systems_are_made_where_their_mounts_end_with_them() -> None:
    """Killed outside of a namespace, mmdebstrap leaves /dev/shm of the machine mounted in its working folder."""
    paths = [path for path in ROLES.glob("template_*/tasks/*.yml") if path.parts[-3] != "template_mirror"]
    words = {path: " ".join(path.read_text().replace("- ", "").split()) for path in paths}
    words = {path: text for path, text in words.items() if " mmdebstrap " in text}
    assert len(words) == 2
    for path, text in words.items():
        assert re.search(r"unshare --mount --propagation[ =]private mmdebstrap --quiet", text), path


@pytest.mark.parametrize("tasks", sorted(ROLES.glob("template_*/*/main.yml")), ids=lambda path: path.parts[-3])
def test_task_names_are_sentences_and_variables_start_with_template(tasks: Path) -> None:
    document = yaml.safe_load(tasks.read_text())
    if isinstance(document, dict):
        assert all(name.startswith("template_") for name in document)
    else:
        assert all(task["name"][0].isupper() and " " in task["name"] for task in document)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.relative_to(ROLES)}")
def test_every_script_is_executable_and_parses(script: Path) -> None:
    assert script.stat().st_mode & 0o111 == 0o111
    if script.read_bytes().startswith(b"#!/bin/sh"):
        subprocess.run(["sh", "-n", str(script)], check=True)


def test_no_template_carries_a_secret_for_all_its_clones() -> None:
    for path in ROLES.glob("template_*/files/**/*"):
        assert path.suffix not in {".key", ".pem"}
        assert not path.name.startswith("ssh_host_")


def test_a_role_knows_the_roles_it_includes() -> None:
    assert roles_of("template_dokuwiki", ROLES) >= {"template_web", "template_debian", "template_seed"}
    assert "template_dokuwiki" not in roles_of("template_micro_linux", ROLES)


def test_the_digest_follows_variables_and_files() -> None:
    plain = digest_of("template_dokuwiki", {}, ROLES)
    assert plain == digest_of("template_dokuwiki", {}, ROLES)
    assert plain != digest_of("template_dokuwiki", {"template_disk_root_mib": 1}, ROLES)
    assert plain != digest_of("template_mediawiki", {}, ROLES)
