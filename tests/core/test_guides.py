"""How a guide is cut into steps and hints, and what is told of its mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.core.guides import MAX_BYTES, ActionKind, guide_mistakes, read_guide
from tests.factories.labs import lab_spec

GOOD = """Welcome.

## Look around {#look}

Type this:

```type desk
hostname
# not a heading
## nor this {#nor-this}
```

```hint
Try **hostname**.
```

[check](check:look)

~~~hint
Or `uname -a`.
~~~

## Write {#write}

[the page](door:page) on [the desk](console:desk)
"""


def mistakes(text: str) -> list[str]:
    return [str(each) for each in guide_mistakes(read_guide(text), lab_spec(), file="guide.en.md")]


def test_a_guide_is_an_introduction_and_steps() -> None:
    guide = read_guide(GOOD)
    assert guide.introduction == "Welcome."
    assert [(step.slug, step.title) for step in guide.steps] == [("look", "Look around"), ("write", "Write")]


def test_hints_leave_the_body_and_keep_their_order() -> None:
    step = read_guide(GOOD).steps[0]
    assert step.hints == ("Try **hostname**.", "Or `uname -a`.")
    assert "Try" not in step.body
    assert "## nor this" in step.body


def test_actions_know_their_names_and_lines() -> None:
    guide = read_guide(GOOD)
    found = [(action.kind, action.name, action.line) for step in guide.steps for action in step.actions]
    assert found == [
        (ActionKind.TYPE, "desk", 7),
        (ActionKind.CHECK, "look", 17),
        (ActionKind.DOOR, "page", 25),
        (ActionKind.CONSOLE, "desk", 25),
    ]


def test_a_good_guide_has_no_mistakes() -> None:
    assert mistakes(GOOD) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("{#write}", "{#wrong}"), "guide.en.md:23: wrong: lab.yml has no step of this name"),
        (("{#write}", "{#wrong}"), "guide.en.md: write: the guide says nothing of this step"),
        (("{#write}", "{#look}"), "guide.en.md:23: look: this step is there twice"),
        ((" {#write}", ""), "guide.en.md:23: a step begins with"),
        (("door:page", "door:cellar"), "guide.en.md:25: door: lab.yml has no door “cellar”"),
        (("type desk", "type moon"), "guide.en.md:7: type: lab.yml has no machine “moon”"),
        (("type desk", "type"), "guide.en.md:7: type: lab.yml has no machine “”"),
        (("console:desk", "console:moon"), "guide.en.md:25: console: lab.yml has no machine “moon”"),
        (("check:look", "check:write"), "guide.en.md:17: check: check:write belongs into the step of that name"),
        (("Welcome.", "```hint\nA hint.\n```"), "guide.en.md:1: hint: a hint belongs to a step"),
        (("Or `uname -a`.\n~~~", "Or"), "guide.en.md:19: nothing ends the block that begins here"),
    ],
)
def test_a_mistake_is_told_with_its_line(change: tuple[str, str], said: str) -> None:
    assert any(each.startswith(said) for each in mistakes(GOOD.replace(*change, 1)))


def test_steps_in_another_order_are_a_mistake() -> None:
    assert mistakes("## Write {#write}\n## Look {#look}\n") == [
        "guide.en.md:1: the steps stand in another order than in lab.yml: look, write"
    ]


def test_a_guide_of_ten_megabytes_is_refused() -> None:
    with pytest.raises(Invalid, match="256 KiB"):
        read_guide("é" * (MAX_BYTES // 2 + 1))


def test_a_guide_full_of_mistakes_tells_the_first_ones_only() -> None:
    assert len(mistakes("## x\n" * 1000)) == 20


@given(st.text(alphabet="#`~ {}hint\n\r:()[]a-", max_size=400))
def test_every_text_is_read(text: str) -> None:
    guide = read_guide(text)
    assert isinstance(guide_mistakes(guide, lab_spec(), file="guide.en.md"), list)
