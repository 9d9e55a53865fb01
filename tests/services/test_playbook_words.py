"""Whatever our playbooks and modules say has its Spanish words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from portal.config import ROOT
from portal.core.errors import filled
from portal.services.letters import translate
from portal.services.playbook_words import in_words, known, translator

MODULES = sorted(
    [*(ROOT / "playbooks" / "library").glob("vivero_*.py"), *(ROOT / "playbooks" / "module_utils").glob("*.py")]
)
WORKING_PLAYBOOKS = (
    "clone_vms", "retire_vms", "make_seats", "save_seats", "remove_seats", "drop_seat_images", "copy_seat_disks",
)  # fmt: skip


def spanish(msgid: str) -> str:
    return translate("es", msgid)


def refusals(path: Path) -> Iterator[str]:
    """The texts of every `Refused(...)` that is not another error's own, with an X in each place."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused":
            argument = node.args[0]
            if isinstance(argument, ast.Constant):
                yield str(argument.value)
            elif isinstance(argument, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in argument.values)


def task_names() -> Iterator[str]:
    for name in WORKING_PLAYBOOKS:
        for play in yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text()):
            yield from (task["name"] for task in play["tasks"])


OURS = sorted({text for path in MODULES for text in refusals(path)} - {"X: X"})  # a program's own last words


@pytest.mark.parametrize("text", [*OURS, *task_names()])
def test_every_refusal_and_task_is_known(text: str) -> None:
    assert known(text, spanish) not in (None, text)


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        ("wiki-01 – disk made, defined, started", "wiki-01 – disco creado, definida, arrancada"),
        (
            "Make the disks, define the machines and start them …",
            "Crear los discos, definir las máquinas y arrancarlas …",
        ),
        (
            "another machine on this host is already called wiki.",
            "en este servidor ya hay otra máquina que se llama wiki.",
        ),
        ("network must be one of a, b", "network tiene que ser uno de estos: a, b"),
        ("does not answer: timed out", "does not answer: timed out"),
        ("libvirt: internal error: process exited", "libvirt: internal error: process exited"),
    ],
)
def test_what_is_known_is_translated_and_the_rest_stays(english: str, expected: str) -> None:
    assert in_words(english, spanish) == expected


def test_a_reason_within_a_sentence_is_translated_too() -> None:
    said = filled(
        "On host %(host)s this happened: %(reason)s Put that right, then try again.",
        {
            "host": "hv1",
            "reason": "another machine on this host is already called wiki.",
        },
        translator(spanish),
    )
    assert said == (
        "En el servidor hv1 ocurrió esto: en este servidor ya hay otra máquina que se llama wiki. "
        "Hay que corregirlo y volver a intentarlo."
    )
