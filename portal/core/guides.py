"""A lab's guide: Markdown cut into introduction, steps and hints, and the places that students may click.

docs/add-a-lab.md says how a guide is written. What is left of the Markdown is rendered elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from portal.core.errors import N_, Invalid
from portal.core.labs import LabSpec
from portal.core.templates import TemplateError

MAX_BYTES = 256 * 1024
MAX_MISTAKES = 20
HEADING = re.compile(r"## +(?P<title>.*?)(?: *\{#(?P<slug>[a-z0-9][a-z0-9-]{0,58})\})? *#* *")
FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)")
LINK = re.compile(r"\]\((?P<kind>door|check|console):(?P<name>[^()\s]*)\)")


class ActionKind(StrEnum):
    """What a click does. A click only asks: whoever carries it out looks whether this seat may."""

    COPY = "copy"
    TYPE = "type"  # into a machine's console
    DOOR = "door"
    CHECK = "check"
    CONSOLE = "console"


@dataclass(frozen=True)
class GuideAction:
    """`name`: of the machine, the door or the step; nothing where something is copied.

    `text`: what is typed or copied.
    """

    kind: ActionKind
    name: str
    line: int
    text: str = ""


@dataclass(frozen=True)
class GuideStep:
    """`body` and `hints` are Markdown. The hints have left the body: they are shown one by one, and counted."""

    slug: str
    title: str
    body: str
    hints: tuple[str, ...] = ()
    actions: tuple[GuideAction, ...] = ()
    line: int = 1


@dataclass(frozen=True)
class Guide:
    introduction: str
    steps: tuple[GuideStep, ...]
    actions: tuple[GuideAction, ...] = ()  # of the introduction
    lost_hints: tuple[int, ...] = ()  # lines of hints that belong to no step
    open_fence: int | None = None  # the line of a block that nothing ends


@dataclass
class Part:
    """What stands between two headings, while it is being read."""

    slug: str = ""
    title: str = ""
    line: int = 1
    body: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    hint_lines: list[int] = field(default_factory=list)
    actions: list[GuideAction] = field(default_factory=list)

    def to_step(self) -> GuideStep:
        text = "\n".join(self.body).strip("\n")
        return GuideStep(self.slug, self.title, text, tuple(self.hints), tuple(self.actions), self.line)


@dataclass(frozen=True)
class Block:
    """One line, or one fenced block with all its lines."""

    line: int
    lines: tuple[str, ...]
    info: tuple[str, ...] | None = None  # the words after the fence; None for a line
    closed: bool = True

    @property
    def content(self) -> str:
        return "\n".join(self.lines[1:-1] if self.closed else self.lines[1:])


def read_guide(text: str) -> Guide:
    """Cut a guide into its parts. Whatever the text, it comes back; guide_mistakes says what is wrong with it."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise Invalid(N_("The guide is larger than %(most)s KiB."), field="guide", most=MAX_BYTES // 1024)
    parts, open_fence = [Part()], None
    for block in blocks_of(text):
        heading = HEADING.fullmatch(block.lines[0]) if block.info is None else None
        if heading is not None:
            parts.append(Part(heading["slug"] or "", heading["title"], block.line))
            continue
        open_fence = open_fence if block.closed else block.line
        put_into(parts[-1], block)
    first = parts[0].to_step()
    steps = tuple(part.to_step() for part in parts[1:])
    return Guide(first.body, steps, first.actions, tuple(parts[0].hint_lines), open_fence)


def blocks_of(text: str) -> Iterator[Block]:
    lines = re.split(r"\r\n|\r|\n", text)
    at = 0
    while at < len(lines):
        fence = FENCE.fullmatch(lines[at])
        if fence is None:
            yield Block(at + 1, (lines[at],))
            at += 1
            continue
        end = end_of_fence(lines, at, fence["marks"])
        inside = tuple(lines[at : min(end, len(lines) - 1) + 1])
        yield Block(at + 1, inside, tuple(fence["info"].split()), closed=end < len(lines))
        at = end + 1


def end_of_fence(lines: list[str], start: int, marks: str) -> int:
    """The index of the line that ends the block; the number of lines if none does."""
    ending = re.compile(rf" {{0,3}}{re.escape(marks[0])}{{{len(marks)},}} *")
    return next((at for at in range(start + 1, len(lines)) if ending.fullmatch(lines[at])), len(lines))


def put_into(part: Part, block: Block) -> None:
    word = block.info[0] if block.info else ""
    if word == "hint":
        part.hints.append(block.content)
        part.hint_lines.append(block.line)
        part.actions += links_in(block.lines, block.line)
        return
    part.body += block.lines
    if block.info is None:
        part.actions += links_in(block.lines, block.line)
    elif word in {ActionKind.COPY, ActionKind.TYPE}:
        part.actions.append(GuideAction(ActionKind(word), " ".join(block.info[1:]), block.line, block.content))


def links_in(lines: Iterable[str], first: int) -> list[GuideAction]:
    return [
        GuideAction(ActionKind(found["kind"]), found["name"], number)
        for number, line in enumerate(lines, start=first)
        for found in LINK.finditer(line)
    ]


def guide_mistakes(guide: Guide, spec: LabSpec, *, file: str) -> list[TemplateError]:
    """What does not fit between a guide and its lab: each step once and in order, and only names that exist."""
    mistakes = [*shape_mistakes(guide, file), *step_mistakes(guide, spec, file)]
    for step in guide.steps:
        mistakes += [found for action in step.actions if (found := action_mistake(action, step.slug, spec, file))]
    mistakes += [found for action in guide.actions if (found := action_mistake(action, "", spec, file))]
    return sorted(mistakes, key=lambda each: each.line or 0)[:MAX_MISTAKES]


def shape_mistakes(guide: Guide, file: str) -> list[TemplateError]:
    mistakes = [
        TemplateError(file, line, "hint", N_("a hint belongs to a step: write it below the step's heading"))
        for line in guide.lost_hints
    ]
    if guide.open_fence is not None:
        mistakes.append(TemplateError(file, guide.open_fence, "", N_("nothing ends the block that begins here")))
    return mistakes


def step_mistakes(guide: Guide, spec: LabSpec, file: str) -> list[TemplateError]:
    wanted = [step.slug for step in spec.steps]
    mistakes, seen = [], set[str]()
    for step in guide.steps:
        if not step.slug or not step.title:
            words = N_("a step begins with “## Title {#name-of-the-step}”; smaller headings have three signs")
            mistakes.append(TemplateError(file, step.line, "", words))
        elif step.slug not in wanted:
            mistakes.append(TemplateError(file, step.line, step.slug, N_("lab.yml has no step of this name")))
        elif step.slug in seen:
            mistakes.append(TemplateError(file, step.line, step.slug, N_("this step is there twice")))
        seen.add(step.slug)
    mistakes += [
        TemplateError(file, None, slug, N_("the guide says nothing of this step"))
        for slug in wanted
        if slug not in seen
    ]
    if not mistakes and [step.slug for step in guide.steps] != wanted:
        words = N_("the steps stand in another order than in lab.yml: %(steps)s")
        mistakes.append(TemplateError(file, guide.steps[0].line, "", words, {"steps": ", ".join(wanted)}))
    return mistakes


def action_mistake(action: GuideAction, step: str, spec: LabSpec, file: str) -> TemplateError | None:
    """`step` is where it stands; "" in the introduction."""
    if action.kind is ActionKind.COPY:
        message = N_("what is copied needs no name") if action.name else ""
    elif action.kind is ActionKind.DOOR:
        message = "" if spec.door(action.name) else N_("lab.yml has no door “%(name)s”")
    elif action.kind is ActionKind.CHECK:
        message = "" if step and action.name == step else N_("check:%(name)s belongs into the step of that name")
    else:
        message = "" if spec.machine(action.name) else N_("lab.yml has no machine “%(name)s”")
    params = {"name": action.name[:60]} if "%(" in message else {}
    return TemplateError(file, action.line, action.kind.value, message, params) if message else None
