"""Labs as texts that are kept in the database: read as a folder is read, and written as a folder would be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from portal.backends.lab_reading import read_lab_from
from portal.backends.lab_schema import MAY_HAVE
from portal.backends.yaml_lines import Path, YamlTrouble, read_yaml, scalar_of
from portal.core.errors import N_, Invalid
from portal.core.lab_files import GUIDES, LAB_FILE, MOST_YAML_BYTES
from portal.core.labs import BrokenLab, Check, LabDoor, LabMachine, LabSpec, LabStep
from portal.core.plain_data import to_plain

STYLE: Mapping[str, Any] = {"width": 2000, "default_flow_style": None}  # what fits into a line stands in one
LONGEST_LINE = 110
BREAKS = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")  # YAML sees the end of a line in some of them
NO_YAML = N_("lab.yml cannot be read. Please put it right among all files first: %(why)s")


class YamlLabReader:
    """Nothing outside is asked: what comes out depends on the texts alone."""

    def read(self, slug: str, files: Mapping[str, str]) -> LabSpec | BrokenLab:
        def source(name: str, most: int) -> bytes:
            if name not in files:
                raise FileNotFoundError(2, "not there", name)
            return files[name].encode("utf-8", "surrogatepass")[:most]

        return read_lab_from(source, slug)

    def write(self, spec: LabSpec) -> dict[str, str]:
        scripts: dict[str, str] = {}
        text = yaml.dump(lab_of(spec, scripts), Dumper=Writer, allow_unicode=True, sort_keys=False, **STYLE)
        return {LAB_FILE: text, **{name: spec.guide.read(language) for language, name in GUIDES.items()}, **scripts}

    def values(self, lab_yml: str) -> dict[str, Any]:
        try:
            value = read_yaml(lab_yml.encode("utf-8", "surrogatepass")[: MOST_YAML_BYTES + 1]).value
        except YamlTrouble as trouble:
            raise Invalid(NO_YAML, why=str(trouble)) from trouble
        if not isinstance(value, dict):
            raise Invalid(NO_YAML, why=LAB_FILE)
        return value

    def change(self, lab_yml: str, changes: Mapping[Path, Any]) -> str:
        """From the end to the beginning, so that places that come before stay where they are."""
        known = self.values(lab_yml)
        node = yaml.compose(lab_yml, Loader=yaml.SafeLoader)
        places = [(span_of(node, path), value) for path, value in changes.items() if has(known, path)]
        for (begin, end), value in sorted(places, key=lambda place: place[0], reverse=True):
            gap = " " if begin == end else ""  # "title:" with nothing after it
            lab_yml = lab_yml[:begin] + gap + written(value) + lab_yml[end:]
        new = [f"{path[0]}: {written(value)}\n" for path, value in changes.items() if not has(known, path)]
        return "".join(new) + lab_yml


class Writer(yaml.SafeDumper):
    """Quotes wherever our reader would see something else than text, and no aliases, which it does not read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def represent_text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if scalar_of(text) == text else '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def represent_mapping(writer: yaml.SafeDumper, values: Mapping[str, Any]) -> yaml.MappingNode:
    node = writer.represent_mapping("tag:yaml.org,2002:map", values.items())
    if sum(len(key) + len(str(value)) + 4 for key, value in values.items()) > LONGEST_LINE:
        node.flow_style = False
    return node


Writer.add_representer(str, represent_text)
Writer.add_representer(dict, represent_mapping)


def has(values: Any, path: Path) -> bool:
    for key in path:
        known = range(len(values)) if isinstance(values, list) else values if isinstance(values, dict) else ()
        if key not in known:
            return False
        values = values[key]
    return True


def span_of(node: yaml.Node | None, path: Path) -> tuple[int, int]:
    """Where the value stands in the text; it is there, `has` says so."""
    for key in path:
        if isinstance(node, yaml.MappingNode):
            node = next(value for name, value in node.value if name.value == key)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
    assert node is not None  # noqa: S101 - `has` found it
    return node.start_mark.index, end_of(node)


def end_of(node: yaml.Node) -> int:
    """Of blocks the parser tells the end only where the next thing begins, comments included."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return end_of(last[1] if isinstance(last, tuple) else last)
    if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
        text = node.end_mark.buffer or ""
        return node.start_mark.index + len(text[node.start_mark.index : node.end_mark.index].rstrip())
    return int(node.end_mark.index)


def written(value: Any) -> str:
    """A value in one line. JSON's quoted texts are YAML's too."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9-]*", value) and scalar_of(value) == value:
        return value
    return BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def lab_of(spec: LabSpec, scripts: dict[str, str]) -> dict[str, Any]:
    """The whole lab.yml as plain values; the scripts' texts go into `scripts`."""
    whole: dict[str, Any] = {
        "title": to_plain(spec.title),
        "summary": to_plain(spec.summary),
        "subject": spec.subject,
        "level": spec.level.value,
        "minutes": spec.minutes,
        "owner": spec.owner,
    }
    if spec.offered_to is not None:
        whole["offered_to"] = list(spec.offered_to)
    whole["networks"] = to_plain(spec.networks)
    whole["machines"] = [machine_of(machine) for machine in spec.machines]
    if spec.doors:
        whole["doors"] = [door_of(door) for door in spec.doors]
    whole["steps"] = [step_of(step, scripts) for step in spec.steps]
    return whole


def machine_of(machine: LabMachine) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(machine)
    return plain if machine.parameters else {key: value for key, value in plain.items() if key != "parameters"}


def door_of(door: LabDoor) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(door)
    return plain if door.path != "/" else {key: value for key, value in plain.items() if key != "path"}


def step_of(step: LabStep, scripts: dict[str, str]) -> dict[str, Any]:
    plain = {
        "slug": step.slug,
        "title": to_plain(step.title),
        "checks": [check_of(check, step.slug, scripts) for check in step.checks],
    }
    solutions = [
        {"machine": one.machine, "script": keep(one.script, "solutions", step.slug, scripts)} for one in step.solutions
    ]
    return {**plain, "solutions": solutions} if solutions else plain


def check_of(check: Check, step: str, scripts: dict[str, str]) -> dict[str, Any]:
    return dict(fields_of(check, step, scripts))


def fields_of(check: Check, step: str, scripts: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """What differs from what a check does by itself, and what its kind needs."""
    ordinary = Check(check.by, check.message)
    yield "by", check.by.value
    for name in ("machine", "script", "port", "path", "status", "pattern"):
        value = getattr(check, name)
        if name in MAY_HAVE[check.by] and value != getattr(ordinary, name):
            yield name, keep(value, "checks", step, scripts) if name == "script" else value
    yield "message", to_plain(check.message)
    for name in ("timeout_s", "tries"):
        if getattr(check, name) != getattr(ordinary, name):
            yield name, getattr(check, name)


def keep(text: str, folder: str, step: str, scripts: dict[str, str]) -> str:
    """A name for the script that no other has, drawn from its step."""
    name, number = f"{folder}/{step[:50]}.sh", 1
    while name in scripts and scripts[name] != text:
        number += 1
        name = f"{folder}/{step[:50]}-{number}.sh"
    scripts[name] = text
    return name
