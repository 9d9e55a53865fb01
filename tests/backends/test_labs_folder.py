"""Labs in folders and as texts: good ones become specs, bad ones say file, line and field, and nothing ever crashes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.backends.lab_reader_yaml import YamlLabReader
from portal.backends.labs_folder import read_lab, read_labs
from portal.config import ROOT
from portal.core.guides import ActionKind, blocks_of, read_guide
from portal.core.labs import BrokenLab, CheckBy, LabSpec, lab_from_data, lab_to_data

GOOD = """\
title: {es: Prueba, en: Trial}
summary: {es: Una prueba, en: A trial}
subject: linux
level: beginner
minutes: 45
owner: informatica
networks:
  - {name: lan, cidr: 10.20.0.0/24}
machines:
  - name: desk
    label: {es: Puesto, en: Desk}
    template: micro-linux
    size: tiny
    addresses: [{network: lan, address: 10.20.0.10}]
    parameters: {keyboard: es, guests: 3}
doors:
  - {name: page, label: {es: Página, en: Page}, machine: desk, port: 8080}
steps:
  - slug: look
    title: {es: Mirar, en: Look}
    checks:
      - {by: agent, machine: desk, script: checks/look.sh, message: {es: No, en: No}, timeout_s: 5}
      - {by: http, machine: desk, port: 8080, status: 403, message: {es: No, en: No}}
    solutions: [{machine: desk, script: solutions/look.sh}]
  - slug: write
    title: {es: Escribir, en: Write}
    checks: [{by: teacher, message: {es: No, en: No}}]
"""
GUIDE = "Hello.\n\n## Look {#look}\n\n[page](door:page)\n\n## Write {#write}\n\n```hint\nWrite.\n```\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "trial"
    for name, text in {
        "lab.yml": GOOD,
        "guide.es.md": GUIDE,
        "guide.en.md": GUIDE,
        "checks/look.sh": "test -e /tmp/x\r\n",
        "solutions/look.sh": "touch /tmp/x\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, newline="")
    return folder


def read_both(folder: Path) -> LabSpec | BrokenLab:
    """As a folder, and as the same texts in the database: what is found does not depend on where they lie."""
    found = read_lab(folder)
    there = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    if all(path.is_file() and not path.is_symlink() for path in there) and not (folder / "checks").is_symlink():
        try:
            files = {path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in there}
        except UnicodeDecodeError:
            return found  # no text, so nothing that could be kept as one
        assert YamlLabReader().read(folder.name, files) == found
    return found


def errors_of(folder: Path) -> list[str]:
    found = read_both(folder)
    assert isinstance(found, BrokenLab)
    return [str(error) for error in found.errors]


def test_a_good_folder_becomes_a_spec(folder: Path) -> None:
    spec = read_both(folder)
    assert isinstance(spec, LabSpec)
    agent, http = spec.steps[0].checks
    assert (agent.by, agent.script, agent.timeout_s, http.status) == (CheckBy.AGENT, "test -e /tmp/x\n", 5, 403)
    assert spec.steps[0].solutions[0].script == "touch /tmp/x\n"
    assert (spec.offered_to, spec.machines[0].parameters["guests"]) == (None, 3)


def test_a_spec_survives_the_way_into_the_database_and_back(folder: Path) -> None:
    spec = read_lab(folder)
    assert isinstance(spec, LabSpec)
    assert lab_from_data(json.loads(json.dumps(lab_to_data(spec)))) == spec


CHECK = "by: http, machine: desk, port: 8080, status: 403"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("minutes: 45", "minutes: long", "lab.yml:5: minutes: must be a whole number"),
        ("owner: informatica\n", "", "lab.yml:1: owner: this field is missing"),
        ("level: beginner", "level: easy", "lab.yml:4: level: must be one of these"),
        ("10.20.0.0/24", "10.20.0.0/16", "lab.yml:8: networks.0.cidr: must be a private network"),
        ("10.20.0.0/24", "8.8.8.0/24", "lab.yml:8: networks.0.cidr: must be a private network"),
        ("10.20.0.0/24", "10.20.0.1/24", "lab.yml:8: networks.0.cidr: must be a network such as"),
        (
            "10.20.0.10}",
            "10.21.0.10}",
            "lab.yml:14: machines.0.addresses.0.address: must be an address of 10.20.0.0/24",
        ),
        ("10.20.0.10}", "10.20.0.255}", "lab.yml:14: machines.0.addresses.0.address: must be an address of"),
        ("10.20.0.10}", "10.20.0.254}", "lab.yml:14: machines.0.addresses.0.address: is the address of the seat"),
        ("10.20.0.10}]", "10.20.0.10}, {network: lan, address: 10.20.0.11}]", "lab.yml:14: machines.0.addresses: each"),
        ("network: lan, address", "network: wan, address", "lab.yml:14: machines.0.addresses.0.network: there is no"),
        (
            "  - {name: lan, cidr: 10.20.0.0/24}",
            "  - {name: lan, cidr: 10.20.0.0/24}\n  - {name: wan, cidr: 10.20.0.0/25}",
            "lab.yml:9: networks.1.cidr: overlaps with another network",
        ),
        ("guests: 3", "guests: [3]", "lab.yml:15: machines.0.parameters.guests"),
        ("name: desk", "name: Desk", "lab.yml:10: machines.0.name: must be small letters"),
        ("machine: desk, port", "machine: moon, port", "lab.yml:17: doors.0.machine: there is no machine “moon”"),
        (CHECK, CHECK.replace("desk", "moon"), "lab.yml:23: steps.0.checks.1.machine: there is no machine “moon”"),
        (CHECK, "by: http, machine: desk", "lab.yml:23: steps.0.checks.1: by: http needs port"),
        (CHECK, CHECK + ", script: checks/a.sh", "lab.yml:23: steps.0.checks.1.script: script does not belong to"),
        (CHECK, CHECK + ", path: a b", "lab.yml:23: steps.0.checks.1.path: must be a path"),
        (CHECK, CHECK + ", tries: 9", "lab.yml:23: steps.0.checks.1.tries: must be at most 5"),
        (CHECK, CHECK + ', pattern: "(a+)+"', "lab.yml:23: steps.0.checks.1.pattern: A group must not be repeated"),
        ("timeout_s: 5", "timeout_s: 300", "lab.yml:22: steps.0.checks.0.timeout_s: must be at most 30"),
        ("checks/look.sh", "checks/other.sh", "lab.yml:22: steps.0.checks.0.script: the file checks/other.sh is not"),
        ("checks/look.sh", "checks/../lab.sh", "lab.yml:22: steps.0.checks.0.script: must be a file such as"),
        ("checks/look.sh", "/etc/passwd", "lab.yml:22: steps.0.checks.0.script: must be a file such as"),
        ("solutions/look.sh", "solutions/x.sh", "lab.yml:24: steps.0.solutions.0.script: the file solutions/x.sh"),
        ("slug: write", "slug: look", "lab.yml:18: steps: each name only once"),
        ("slug: write", "slug: wait", "guide.es.md:7: write: lab.yml has no step of this name"),
        ("en: Trial", 'en: "Tri\\0al"', "lab.yml:1: title.en: has characters that cannot be seen"),
        ("subject: linux", "offered_to: everybody\nsubject: linux", "lab.yml:3: offered_to: must be all, or a list"),
    ],
)
def test_a_mistake_names_file_line_and_field(folder: Path, old: str, new: str, error: str) -> None:
    assert old in GOOD
    (folder / "lab.yml").write_text(GOOD.replace(old, new))
    assert any(each.startswith(error) for each in errors_of(folder)), errors_of(folder)


def test_doors_and_checks_lead_to_a_few_ports_only(folder: Path) -> None:
    """Each of them is a relay of its own in every seat."""
    checks = "".join(
        f"      - {{by: tcp, machine: desk, port: {port}, message: {{es: No, en: No}}}}\n" for port in range(1000, 1007)
    )
    more = "".join(
        f"  - slug: more-{letter}\n    title: {{es: Más, en: More}}\n    checks:\n"
        + checks.replace("port: 1", f"port: {number}")
        for number, letter in enumerate("abc", start=2)
    )
    (folder / "lab.yml").write_text(GOOD + more)
    broken = read_both(folder)
    assert isinstance(broken, BrokenLab)
    assert any("more than 20 ports" in str(error) for error in broken.errors)


def test_a_yaml_bomb_is_not_unpacked(folder: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    (folder / "lab.yml").write_text(bomb)
    assert errors_of(folder) == ["lab.yml:2: aliases (*name) are not read here"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("guide.en.md", "guide.en.md: the file is larger than 256 KiB"),
        ("lab.yml", "lab.yml: the file is larger than 256 KiB"),
        ("checks/look.sh", "lab.yml:22: steps.0.checks.0.script: the file is larger than 16 KiB"),
    ],
)
def test_ten_megabytes_are_not_taken(folder: Path, name: str, said: str) -> None:
    (folder / name).write_text("é" * 5 * 1024 * 1024)
    assert errors_of(folder) == [said]


@pytest.mark.parametrize("name", ["lab.yml", "guide.en.md", "checks/look.sh"])
def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(GOOD)
    (folder / name).unlink()
    (folder / name).symlink_to(secret)
    assert len(errors_of(folder)) == 1


def test_a_folder_of_scripts_may_not_lie_elsewhere(folder: Path, tmp_path: Path) -> None:
    (folder / "checks").rename(tmp_path / "elsewhere")
    (folder / "checks").symlink_to(tmp_path / "elsewhere")
    assert errors_of(folder)[0].startswith("lab.yml:22: steps.0.checks.0.script: the file checks/look.sh cannot be")


def test_a_pipe_does_not_keep_the_reader(folder: Path) -> None:
    (folder / "guide.en.md").unlink()
    os.mkfifo(folder / "guide.en.md")
    assert errors_of(folder) == ["guide.en.md: the file guide.en.md cannot be taken: not a regular file"]


def test_a_guide_that_is_no_text_is_told(folder: Path) -> None:
    (folder / "guide.es.md").write_bytes(b"\xff\xfe")
    (folder / "guide.en.md").write_text("## Look {#look}\x07\n")
    assert errors_of(folder) == [
        "guide.es.md: the file is not UTF-8 text",
        "guide.en.md: has characters that cannot be seen",
    ]


def test_both_guides_have_the_same_hints(folder: Path) -> None:
    (folder / "guide.es.md").write_text(GUIDE + "```hint\nMás.\n```\n")
    assert errors_of(folder) == ["guide.en.md:7: write: this step has 1 hints here and 2 in the other language"]


def test_no_folder_is_no_lab(tmp_path: Path) -> None:
    assert read_labs(tmp_path / "labs") == []


@given(st.binary(max_size=300))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_lies_there_is_told_not_raised(folder: Path, data: bytes) -> None:
    (folder / "lab.yml").write_bytes(data)
    (folder / "guide.en.md").write_bytes(data)
    assert isinstance(read_both(folder), BrokenLab)


SHIPPED = read_labs(ROOT / "labs")


@pytest.mark.parametrize("lab", SHIPPED, ids=lambda lab: lab.slug)
def test_the_labs_that_we_ship_are_good(lab: LabSpec | BrokenLab) -> None:
    assert isinstance(lab, LabSpec), [str(error) for error in lab.errors]
    es, en = read_guide(lab.guide.es), read_guide(lab.guide.en)
    assert [(step.slug, len(step.hints)) for step in es.steps] == [(step.slug, len(step.hints)) for step in en.steps]
    for step in lab.steps:
        assert step.solutions, "lab check needs them"
    assert [step.title for step in en.steps] == [step.title.en for step in lab.steps]
    assert [step.title for step in es.steps] == [step.title.es for step in lab.steps]


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("lab", SHIPPED, ids=lambda lab: lab.slug)
def test_nothing_is_typed_after_a_sudo_which_would_swallow_it(lab: LabSpec, language: str) -> None:
    """Debian's sudo reads the terminal while it runs (use_pty): further lines that are typed at once are lost."""
    for block in blocks_of(lab.guide.read(language)):
        if block.info and block.info[0] == ActionKind.TYPE:
            lines = block.content.splitlines()
            assert not any(re.search(r"\bsudo\b", line) for line in lines[:-1]), f"line {block.line}"


def test_at_least_two_labs_are_shipped() -> None:
    assert {"first-steps-linux", "isolation"} <= {lab.slug for lab in SHIPPED}
