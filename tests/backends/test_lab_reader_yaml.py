"""Labs as texts: written so that they are read as the same lab, and changed in one place without touching the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.backends.lab_reader_yaml import YamlLabReader
from portal.backends.labs_folder import read_labs
from portal.config import ROOT
from portal.core.errors import Invalid
from portal.core.lab_files import GUIDES, LAB_FILE
from portal.core.labs import LabSpec
from portal.core.templates import Words
from tests.factories.labs import lab_machine, lab_spec

READER = YamlLabReader()
YAML = """\
# Written by hand.
title: {es: Una, en: One}  # short
summary:
  es: >
    Larga
    y plegada
  # between
  en: Long
# machines come later
subject: linux
minutes:
machines:
  - name: desk   # the desk
    template: micro-linux
    size: tiny
  - {name: server, template: dokuwiki, size: small}
"""


@pytest.mark.parametrize("spec", [*read_labs(ROOT / "labs"), lab_spec()], ids=lambda spec: spec.slug)
def test_a_lab_that_is_written_is_read_as_the_same_lab(spec: LabSpec) -> None:
    assert READER.read(spec.slug, READER.write(spec)) == spec


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=40), st.integers(0, 10**17))
def test_no_text_is_taken_for_something_else(text: str, number: int) -> None:
    machine = lab_machine("desk", 10, parameters={"text": text, "digits": f"0{number}", "number": number, "yes": True})
    spec = lab_spec(machines=(machine, lab_machine("server", 11)))
    assert READER.read(spec.slug, READER.write(spec)) == spec


@pytest.mark.parametrize("word", ["08", "-08", "true", "null", "~", "no", "1:30", "1.5", "=", "<<", "2028-01-01", "[a"])
def test_words_that_look_like_something_else_stay_words(word: str) -> None:
    spec = lab_spec(title=Words(word, word))
    assert READER.read(spec.slug, READER.write(spec)) == spec
    assert READER.values(READER.change(YAML, {("title",): {"es": word, "en": word}}))["title"] == {
        "es": word,
        "en": word,
    }


def test_equal_scripts_share_a_file_and_others_never_do() -> None:
    files = READER.write(lab_spec())
    scripts = {f"{folder}/{step}.sh" for folder in ("checks", "solutions") for step in ("look", "write")}
    assert set(files) == {LAB_FILE, *GUIDES.values(), *scripts}
    spec = lab_spec()
    two = replace(spec.steps[0].checks[0], script="false\n")
    spec = replace(spec, steps=(replace(spec.steps[0], checks=(*spec.steps[0].checks, two)), spec.steps[1]))
    assert {"checks/look.sh", "checks/look-2.sh"} <= set(READER.write(spec))


def test_one_value_changes_and_all_that_was_written_by_hand_stays() -> None:
    changed = READER.change(YAML, {("title",): {"es": "Dos", "en": 'Two "2"'}, ("machines", 0, "size"): "small"})
    assert changed == YAML.replace("{es: Una, en: One}", '{es: "Dos", en: "Two \\"2\\""}').replace("tiny", "small")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("summary",), {"es": "A", "en": "B\u2028C"}),
        (("summary", "es"), "Corta"),
        (("minutes",), 45),
        (("level",), "beginner"),
        (("machines", 1, "template"), "micro-linux"),
        (("subject",), "wörds: # {"),
    ],
)
def test_a_changed_value_is_read_back_and_the_others_are_as_before(path: tuple[str | int, ...], value: object) -> None:
    before, after = READER.values(YAML), READER.values(READER.change(YAML, {path: value}))
    inner = after
    for key in path:
        inner = inner[key]  # type: ignore[index]
    assert inner == value
    assert {name: before[name] for name in before if name != path[0]} == {
        name: after[name] for name in before if name != path[0]
    }


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), max_size=60))
def test_whatever_is_typed_into_a_form_stands_in_the_file(text: str) -> None:
    changed = READER.change(YAML, {("title",): {"es": text, "en": text}})
    assert READER.values(changed)["title"] == {"es": text, "en": text}


@pytest.mark.parametrize("bad", ["", "a: [", "- list", "a: &x 1\nb: *x", "word"])
def test_what_is_no_lab_yml_is_told(bad: str) -> None:
    with pytest.raises(Invalid, match=r"lab\.yml cannot be read"):
        READER.change(bad, {("title",): "x"})
