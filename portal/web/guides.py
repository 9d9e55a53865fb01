"""A lab's guide as HTML: Markdown rendered, cleaned, and its actions turned into buttons.

The buttons do nothing by themselves: the student's page reads `data-action` (copy, type, door, check, console),
`data-name` (machine, door or step) and `data-text` (what is copied or typed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import nh3
from flask_babel import force_locale, gettext
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from markupsafe import Markup

from portal.core.guides import ActionKind, GuideStep, read_guide
from portal.core.labs import LabSpec
from portal.web.languages import REGIONS

GUIDES_KEPT = 64
LINK_ACTIONS = frozenset({ActionKind.DOOR, ActionKind.CHECK, ActionKind.CONSOLE})
WEB = frozenset({"http", "https"})
BUTTON = "btn btn-sm guide-action"
TAGS = frozenset(
    {"p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
    | {"button", "div", "table", "thead", "tbody", "tr", "th", "td"}
)
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "button": {"type", "disabled", "data-name", "data-text"}}
VALUES = {
    "button": {"data-action": {kind.value for kind in ActionKind}},
    "th": {"style": {f"text-align:{side}" for side in ("left", "center", "right")}},
    "td": {"style": {f"text-align:{side}" for side in ("left", "center", "right")}},
}


@dataclass(frozen=True)
class StepPage:
    slug: str
    title: str
    body: Markup
    hints: tuple[Markup, ...]


@dataclass(frozen=True)
class GuidePage:
    introduction: Markup
    steps: tuple[StepPage, ...]

    def step(self, slug: str) -> StepPage | None:
        return next((step for step in self.steps if step.slug == slug), None)


def guide_of(spec: LabSpec, locale: str, *, live: bool = True) -> GuidePage:
    """The guide in one language, its buttons in the same. Needs an application context, for the translations.

    Not `live`: its buttons are there and cannot be pressed, where there is no seat that they could act on.
    """
    return page_of(spec.guide.read(locale), "es" if locale.startswith("es") else "en", live)


@lru_cache(maxsize=GUIDES_KEPT)
def page_of(text: str, language: str, live: bool) -> GuidePage:
    """Two hundred students read the same text: it is its own key, so that no page can be older than its guide."""
    return new_page(text, language, live=live)


def preview_of(text: str, language: str) -> GuidePage:
    """As students will see it. It is not kept: while somebody writes, no two looks are alike."""
    return new_page(text, language, live=False)


def new_page(text: str, language: str, *, live: bool) -> GuidePage:
    guide = read_guide(text)
    with force_locale(REGIONS[language]):
        steps = tuple(step_page(step, live) for step in guide.steps)
        return GuidePage(rendered(guide.introduction, live=live), steps)


def step_page(step: GuideStep, live: bool) -> StepPage:
    hints = tuple(rendered(hint, live=live) for hint in step.hints)
    return StepPage(step.slug, step.title, rendered(step.body, live=live), hints)


def rendered(text: str, *, live: bool = True) -> Markup:
    """Markdown as clean HTML: no HTML of the author's, no pictures, no address but http and https."""
    html = str(markdown().render(text, {"live": live}))
    clean = nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        tag_attribute_values=VALUES,
        set_tag_attribute_values={"a": {"target": "_blank"}},
        allowed_classes={"button": set(BUTTON.split()), "div": {"guide-code"}},
        url_schemes=set(WEB),
        url_relative="deny",
        link_rel="noopener noreferrer",
    )
    return Markup(clean)  # noqa: S704 - this is what has just been cleaned


@lru_cache(maxsize=1)
def markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    reader.validateLink = is_allowed  # type: ignore[method-assign,assignment] # markdown-it's own way
    reader.core.ruler.push("guide_actions", change_tokens)
    reader.add_render_rule("image", picture_in_words)
    reader.add_render_rule("fence", code_block)
    return reader


def is_allowed(address: str) -> bool:
    """Anything else stays text, as it was written."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in LINK_ACTIONS or (parts.scheme in WEB and bool(parts.netloc))


def change_tokens(state: Any) -> None:
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            # the page has its own title, and each step its heading
            token.tag = f"h{max(3, int(token.tag[1:]))}"
        link_buttons(token.children or (), live=bool(state.env.get("live")))


def link_buttons(tokens: Sequence[Token], *, live: bool) -> None:
    """Links never lie in each other: the next end belongs to the last beginning."""
    is_action = False
    for token in tokens:
        if token.type == "link_open":
            kind, _, name = str(token.attrs.get("href", "")).partition(":")
            is_action = kind in LINK_ACTIONS
            if is_action:
                token.tag = "button"
                token.attrs = {"type": "button", "class": BUTTON, "data-action": kind, "data-name": name}
                token.attrs |= {} if live else {"disabled": ""}
        elif token.type == "link_close" and is_action:
            token.tag, is_action = "button", False


def picture_in_words(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return escapeHtml(tokens[index].content)


def code_block(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Code; with a button below it where it is to be copied or typed. Typing ends with Enter."""
    token = tokens[index]
    code = f"<pre><code>{escapeHtml(token.content)}</code></pre>"
    kind, _, name = token.info.strip().partition(" ")
    name = name.strip()
    if kind == ActionKind.COPY:
        attributes, label = {"data-text": token.content.rstrip("\n")}, gettext("Copy")
    elif kind == ActionKind.TYPE and name:
        attributes = {"data-name": name, "data-text": token.content}
        label = gettext("Type into “%(name)s”", name=name)
    else:
        return f"{code}\n"
    attributes = {"type": "button", "class": BUTTON, "data-action": kind, **attributes}
    attributes |= {} if env.get("live") else {"disabled": ""}
    written = " ".join(f'{key}="{escapeHtml(value)}"' for key, value in attributes.items())
    return f'<div class="guide-code">{code}<button {written}>{escapeHtml(label)}</button></div>\n'
