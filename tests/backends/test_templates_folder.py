"""Template folders: good ones become specs, bad ones say file, line and field, and nothing ever crashes."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.backends.templates_folder import read_template, read_templates
from portal.backends.yaml_lines import YamlTrouble, read_yaml
from portal.config import ROOT
from portal.core.parameters import check_parameters
from portal.core.templates import BrokenTemplate, TemplateSpec, spec_from_data, spec_to_data

GOOD = """\
name: {es: Prueba, en: Trial}
description: {es: Una prueba, en: A trial}
picture: picture.svg
category: test
owner: informatica
system: {name: Debian 12, support_ends: 2028-06-30}
sizes:
  - slug: small
    label: {es: "hasta 30 personas", en: "up to 30 people"}
    vcpus: {default: 1, min: 1, max: 2}
    memory_mib: {default: 128, min: 128, max: 256}
    disk_gib: {default: 1, min: 1, max: 4}
parameters:
  - {name: title, kind: text, label: {es: Nombre, en: Name}, pattern: "[a-z]+", pattern_help: {es: a, en: a}}
personalisation: cloud-init
ready: {by: agent, timeout_s: 60}
disk: {build: {role: template_trial}}
"""


def make_folder(tmp_path: Path, text: str | bytes = GOOD, *, slug: str = "trial") -> Path:
    folder = tmp_path / slug
    folder.mkdir()
    (folder / "picture.svg").write_text("<svg/>")
    (folder / "template.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def errors_of(folder: Path, **options: Any) -> list[str]:
    found = read_template(folder, **options)
    assert isinstance(found, BrokenTemplate)
    return [str(error) for error in found.errors]


def test_a_good_folder_becomes_a_spec(tmp_path: Path) -> None:
    spec = read_template(make_folder(tmp_path))
    assert isinstance(spec, TemplateSpec)
    assert spec.may_order is None
    assert spec.sizes[0].memory_mib.contains(256)
    assert spec.parameters[0].pattern == "[a-z]+"


def test_a_spec_survives_the_way_into_the_database_and_back(tmp_path: Path) -> None:
    spec = read_template(make_folder(tmp_path))
    assert isinstance(spec, TemplateSpec)
    assert spec_from_data(json.loads(json.dumps(spec_to_data(spec)))) == spec


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("max: 256", "max: 100", "template.yml:11: sizes.0.memory_mib: min <= default <= max must hold"),
        ("timeout_s: 60", "timeout_s: soon", "template.yml:16: ready.timeout_s: must be a whole number"),
        ("owner: informatica\n", "", "template.yml:1: owner: this field is missing"),
        ("category: test", "category: test\ncolour: red", "template.yml:5: colour: there is no such field here"),
        (
            '"[a-z]+"',
            '"(a+)+"',
            "template.yml:14: parameters.0.pattern: A group must not be repeated",
        ),
        ("2028-06-30", "2028-13-99", "template.yml:6: system.support_ends: "),
        ("by: agent", "by: tcp", "template.yml:16: ready: port belongs to by: tcp, and it needs one"),
        ("role: template_trial", "role: ../../etc", "template.yml:17: disk.build.role: must be the name of a role"),
        ("picture.svg", "../secret.svg", "template.yml:3: picture: must be the name of a file in this folder"),
        ("picture.svg", "other.svg", "template.yml:3: picture: the file other.svg is not in the folder"),
        (
            "owner: informatica",
            "owner: Informatica",
            "template.yml:5: owner: must be small letters, digits and hyphens",
        ),
        ("by: agent", "by: luck", "template.yml:16: ready.by: must be one of these: agent, tcp, serial"),
        (", pattern_help: {es: a, en: a}", "", "template.yml:14: parameters.0: pattern and pattern_help"),
        ("max: 4}", "max: 99999}", "template.yml:12: sizes.0.disk_gib.max: must be at most 16384"),
        ('"[a-z]+"', '"[a-z]+", default: ABC', "template.yml:14: parameters.0.default: "),
        ('"[a-z]+"', '"[a-z]+", default: [a]', "template.yml:14: parameters.0.default: must be text, a whole number"),
        (
            '"[a-z]+"',
            '"[a-z]+", min_length: 9, max_length: 3',
            "template.yml:14: parameters.0.min_length: min_length is",
        ),
        ("category: test", "category: test\nmay_order: everybody", "template.yml:5: may_order: must be all, or a list"),
        (
            "category: test",
            "category: test\nhardware: {firmware: uefi}",
            "template.yml:5: hardware.firmware: a disk that is built here starts by BIOS",
        ),
        (
            "category: test",
            "category: test\nhardware:\n  machine: q35\n  disk_bus: sata",
            "template.yml:7: hardware.disk_bus: the kernel of a disk that is built here knows no sata",
        ),
        (
            'kind: text, label: {es: Nombre, en: Name}, pattern: "[a-z]+", pattern_help: {es: a, en: a}',
            "kind: number, label: {es: Nombre, en: Name}, min: 9, max: 3",
            "template.yml:14: parameters.0.min: min is more than max",
        ),
        ("name: {es", "name: &x {es", ""),
    ],
)
def test_an_error_names_file_line_and_field(tmp_path: Path, old: str, new: str, error: str) -> None:
    folder = make_folder(tmp_path, GOOD.replace(old, new))
    if error:
        assert any(each.startswith(error) for each in errors_of(folder)), errors_of(folder)
    else:
        assert isinstance(read_template(folder), TemplateSpec)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "template.yml: the file is empty"),
        ("a: [1", "template.yml:1: "),
        ("a: 1\na: 2", "template.yml:2: the field “a” is there twice"),
        ("a: &x [1]\nb: *x", "template.yml:2: aliases"),
        ("a: !!python/object/apply:os.system [id]", "template.yml:1: tags"),
        ("[" * 50 + "]" * 50, "template.yml:1: nested too deeply"),
        ("- 1\n" * 20_000, "template.yml:10000: nested too deeply or too many values"),
        ("a" * 300_000, "template.yml: the file is larger"),
        ("? [a]\n: 1", "template.yml:1: a field's name must be plain text"),
        (b"\xff\xfe\xfa", "template.yml: the file is not UTF-8 text"),
        (b"a: \x00", "template.yml: not YAML"),
        ("a: 1\n--- \nb: 1", "template.yml:2: "),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(tmp_path: Path, text: str | bytes, error: str) -> None:
    assert errors_of(make_folder(tmp_path, text))[0].startswith(error)


def test_two_mistakes_in_who_may_order_are_two_errors_with_their_places(tmp_path: Path) -> None:
    text = GOOD.replace("category: test", "category: test\nmay_order:\n  - farmacia\n  - Informatica\n  - 3")
    assert errors_of(make_folder(tmp_path, text)) == [
        "template.yml:7: may_order.1: must be small letters, digits and hyphens, at most 59",
        "template.yml:8: may_order.2: must be text; a number goes in quotes",
    ]


def test_a_missing_role_is_an_error_where_roles_are_looked_at(tmp_path: Path) -> None:
    assert "there is no role template_trial" in errors_of(make_folder(tmp_path), roles_dir=tmp_path)[0]


def test_a_folder_without_its_file_or_with_a_strange_name_is_broken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "cannot be read" in errors_of(tmp_path / "empty")[0]
    assert "folder's name" in errors_of(make_folder(tmp_path, slug="Bad Name"))[0]


def test_a_pipe_called_template_yml_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "template.yml").unlink()
    os.mkfifo(folder / "template.yml")
    assert errors_of(folder) == ["template.yml: cannot be read: not a regular file"]


def test_one_broken_folder_does_not_hide_the_others(tmp_path: Path) -> None:
    make_folder(tmp_path)
    make_folder(tmp_path, "nonsense", slug="bad")
    make_folder(tmp_path, slug=".building")
    assert [type(each).__name__ for each in read_templates(tmp_path)] == ["BrokenTemplate", "TemplateSpec"]


def test_all_nine_shipped_templates_are_good_with_their_roles() -> None:
    found = read_templates(ROOT / "templates_vm", roles_dir=ROOT / "playbooks" / "roles")
    assert [each for each in found if isinstance(each, BrokenTemplate)] == []
    assert {each.slug for each in found} >= {
        "micro-linux",
        "debian-12",
        "dokuwiki",
        "mediawiki",
        "moodle",
        "lamp-test",
        "clinical-lab",
        "windows-2003-app",
        "windows-xp-app",
    }


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(YamlTrouble):
        assert read_yaml(data).lines


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(field=st.sampled_from(sorted(yaml.safe_load(GOOD))), value=values)
def test_any_value_in_any_field_gives_a_spec_or_errors(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: Any
) -> None:
    document = yaml.safe_load(GOOD) | {field: value}
    folder = make_folder(tmp_path_factory.mktemp("templates"), yaml.safe_dump(document, allow_unicode=True))
    found = read_template(folder)
    assert isinstance(found, TemplateSpec) or all(error.message for error in found.errors)


KEYS = {
    "ssh-ed25519 " + "A" * 68: True,
    "ssh-ed25519 " + "A" * 68 + " ada@hospital": True,
    "ssh-rsa " + "A" * 716: True,
    "ecdsa-sha2-nistp256 " + "A" * 140: True,
    "sk-ssh-ed25519@openssh.com " + "A" * 92 + " token": True,
    "ssh-dss " + "A" * 500: False,
    "-----BEGIN OPENSSH PRIVATE KEY-----": False,
    "ssh-ed25519 " + "A" * 20: False,
}


@pytest.mark.parametrize("slug", ["debian-12", "micro-linux"])
@pytest.mark.parametrize(("key", "good"), KEYS.items())
def test_the_shipped_linux_templates_take_the_usual_ssh_keys(slug: str, key: str, good: bool) -> None:
    spec = read_template(ROOT / "templates_vm" / slug)
    assert isinstance(spec, TemplateSpec)
    checked = check_parameters(spec.parameters, {"ssh_key": key})
    assert ("ssh_key" in checked.values) == good
