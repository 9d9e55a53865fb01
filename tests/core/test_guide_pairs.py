"""Two guides of one lab: what must be the same in both languages, and what may differ."""

from __future__ import annotations

import pytest

from portal.core.guide_pairs import pair_mistakes
from portal.core.labs import Check, CheckBy, LabStep
from portal.core.templates import Words
from tests.factories.labs import lab_spec

GUIDE = "Hola.\n\n## Uno {#look}\n\n%s\n\n## Dos {#write}\n\n[x](door:page)\n"


def said(spanish: str, english: str) -> list[str]:
    spec = lab_spec(guide=Words(es=GUIDE % spanish, en=GUIDE % english))
    return [f"{one.file}:{one.line} {one.field} {one.message % one.params}" for one in pair_mistakes(spec)]


def typed(text: str, machine: str = "desk") -> str:
    return f"```type {machine}\n{text}\n```"


@pytest.mark.parametrize(
    ("spanish", "english"),
    [
        (typed("hostname"), typed("hostname")),
        (typed('echo "Planta 3" > a'), typed('echo "Ward 3" > a')),
        (typed("echo 'Planta'"), typed("echo 'Ward'")),
        ("```copy\nPlanta 3\n```", "```copy\nWard 3\n```"),
        (typed("a") + "\n\n" + typed("b"), typed("b") + "\n\n" + typed("a")),
    ],
)
def test_texts_are_translated_and_commands_are_the_same(spanish: str, english: str) -> None:
    assert said(spanish, english) == []


@pytest.mark.parametrize(
    ("spanish", "english"),
    [
        (typed("hostname"), typed("uptime")),
        (typed("hostname"), typed("hostname", "server")),
        (typed("hostname"), "```copy\nhostname\n```"),
        (typed("hostname"), ""),
        (typed("hostname") * 1 + "\n\n" + typed("hostname"), typed("hostname")),
    ],
)
def test_another_command_is_told_with_file_line_and_step(spanish: str, english: str) -> None:
    mistakes = said(spanish, english)
    assert mistakes
    assert all(" look the other language has no “" in one for one in mistakes)
    assert mistakes[-1 if len(mistakes) == 1 else 0].startswith("guide.es.md:")


def test_a_click_to_what_is_not_there_is_told_before_the_guides_are_compared() -> None:
    assert "lab.yml has no door “other”" in said("[x](door:other)", "")[0]


def test_a_check_without_words_in_one_language_is_told() -> None:
    step = LabStep("look", Words(es="Mirar", en="Look"), (Check(CheckBy.TEACHER, Words(es="No.", en=" ")),))
    (mistake,) = pair_mistakes(lab_spec(steps=(step,), guide=Words(es="## A {#look}\n", en="## A {#look}\n")))
    assert (mistake.file, mistake.field) == ("lab.yml", "look")


def test_what_a_hostile_text_shows_is_bounded() -> None:
    assert all(len(one) < 200 for one in said(typed("x " * 5000), ""))
