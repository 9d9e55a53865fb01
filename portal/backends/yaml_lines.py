"""YAML read into plain values together with the line of every field, bounded in size, depth and number of nodes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from portal.core.errors import N_

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 10_000

PLAIN_TAGS = frozenset({"map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value"})

Path = tuple[str | int, ...]


class YamlTrouble(Exception):
    """The text is no YAML that we read; `line` says where."""

    def __init__(self, message: str, line: int | None = None, **params: str) -> None:
        super().__init__(message % params if params else message)
        self.message, self.line, self.params = message, line, params


@dataclass
class YamlDocument:
    """Plain values, and for each path into them the line where it stands (counted from 1)."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)
    file: str = ""  # what it is called where mistakes are told

    def line_of(self, path: Path) -> int | None:
        """The line of the field, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def read_yaml(data: bytes, *, file: str = "") -> YamlDocument:
    """Read one document. Raises YamlTrouble for whatever is not plain, small, alias-free YAML."""
    if len(data) > MAX_BYTES:
        raise YamlTrouble(N_("the file is larger than %(most)s KiB"), most=str(MAX_BYTES // 1024))
    try:
        text = data.decode("utf-8")
        check_events(text)
        # SafeLoader makes strings, lists and maps only; we take its nodes and never its values
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise YamlTrouble(N_("the file is not UTF-8 text")) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise YamlTrouble(N_("not YAML: %(why)s"), line, why=error.problem or "?") from error
    except yaml.YAMLError as error:
        raise YamlTrouble(N_("not YAML: it has characters that YAML does not allow")) from error
    if node is None:
        raise YamlTrouble(N_("the file is empty"))
    document = YamlDocument(None, file=file)
    document.value = value_of(node, (), document.lines)
    return document


def check_events(text: str) -> None:
    """Refuse aliases, deep nesting and sheer mass before any tree is built."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent):
            raise YamlTrouble(N_("aliases (*name) are not read here"), line)
        if isinstance(event, yaml.NodeEvent):
            nodes += 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise YamlTrouble(N_("nested too deeply or too many values"), line)


def value_of(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines[path] = node.start_mark.line + 1
    if node.tag.removeprefix("tag:yaml.org,2002:") not in PLAIN_TAGS:
        raise YamlTrouble(N_("tags such as %(tag)s are not read here"), lines[path], tag=node.tag[:60])
    if isinstance(node, yaml.MappingNode):
        return mapping_of(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [value_of(item, (*path, index), lines) for index, item in enumerate(node.value)]
    return scalar_of(node.value) if getattr(node, "style", None) is None else node.value


def mapping_of(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlTrouble(N_("a field's name must be plain text"), line)
        key = key_node.value
        if key in mapping:
            raise YamlTrouble(N_("the field “%(name)s” is there twice"), line, name=key[:60])
        mapping[key] = value_of(value_node, (*path, key), lines)
        lines[(*path, key)] = line
    return mapping


def scalar_of(text: str) -> Any:
    """Plain scalars by the words people mean: "no" and "1:30" stay text, dates stay text too."""
    if text in {"", "~", "null"}:
        return None
    if text in {"true", "false"}:
        return text == "true"
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", text):
        return float(text)
    return text
