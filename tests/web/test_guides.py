"""What becomes of a guide's Markdown on a page: clean HTML and buttons, and nothing that runs."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_babel import Babel

from portal.core.templates import Words
from portal.web.guides import GuidePage, guide_of, rendered
from tests.factories.labs import lab_spec


@pytest.fixture(autouse=True)
def _in_an_app() -> object:
    app = Flask("guides")
    Babel(app)
    with app.test_request_context():
        yield


def guide(text: str) -> GuidePage:
    return guide_of(lab_spec(guide=Words(es=text, en=text)), "en")


def test_each_step_comes_with_its_hints_as_html() -> None:
    step = guide_of(lab_spec(), "en").steps[0]
    assert (step.slug, step.title, step.hints) == ("look", "Look around", ("<p>Try <strong>hostname</strong>.</p>\n",))


def test_the_guide_speaks_the_language_that_is_asked_for() -> None:
    assert "Hola" in guide_of(lab_spec(), "es").introduction
    assert "Welcome" in guide_of(lab_spec(), "en_GB").introduction


def test_what_is_to_be_typed_is_a_button_with_machine_and_text() -> None:
    html = rendered('```type desk\necho "<hello>"\n```')
    assert 'data-action="type"' in html
    assert 'data-name="desk"' in html
    assert 'data-text="echo &quot;&lt;hello&gt;&quot;\n"' in html.replace("<hello>", "&lt;hello&gt;")
    assert "<pre><code>echo" in html


def test_what_is_to_be_copied_comes_without_a_last_line_break() -> None:
    html = rendered("```copy\nls -l\n```")
    assert 'data-action="copy"' in html
    assert 'data-text="ls -l"' in html


@pytest.mark.parametrize(("link", "kind", "name"), [("door:page", "door", "page"), ("check:look", "check", "look")])
def test_an_action_link_is_a_button(link: str, kind: str, name: str) -> None:
    html = rendered(f"[press **here**]({link}) and [read](https://example.org/)")
    assert f'data-action="{kind}"' in html
    assert f'data-name="{name}"' in html
    assert "press <strong>here</strong></button>" in html
    assert html.count("</a>") == html.count("<a ") == 1


def test_a_link_elsewhere_opens_beside_and_tells_nothing() -> None:
    html = rendered("[read](https://example.org/)")
    assert 'href="https://example.org/"' in html
    assert 'target="_blank"' in html
    assert 'rel="noopener noreferrer"' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<button data-action='type' data-name='desk' data-text='x'>x</button>",
        "<div style='position:fixed'>x</div>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](&#106;avascript:alert(1))",
        "<javascript:alert(1)>",
        "[x](//evil.example/)",
        "[x](/accounts)",
        "[x][1]\n\n[1]: javascript:alert(1)",
        "![x](https://evil.example/beacon.png)",
        "![<script>](x)",
        '```type desk" onclick="alert(1)\nx\n```',
        '[x](door:a"onclick="alert(1))',
    ],
)
def test_nothing_in_a_guide_runs_or_calls_home(text: str) -> None:
    html = rendered(text)
    tags = "".join(part.split(">", 1)[0] + " " for part in html.split("<")[1:])
    for bad in ("script", "img", "javascript", "data:", "onerror=", "style", "href", ' onclick="'):
        assert bad not in tags


def test_html_of_the_author_is_shown_as_text() -> None:
    assert rendered("<b>bold</b>") == "<p>&lt;b&gt;bold&lt;/b&gt;</p>\n"


def test_headings_stay_below_those_of_the_page() -> None:
    assert rendered("# One\n\n#### Four") == "<h3>One</h3>\n<h4>Four</h4>\n"


@pytest.mark.parametrize("letters", ["[", "*a", "`", "> ", "- ", "!["])
def test_a_strange_guide_is_rendered_all_the_same(letters: str) -> None:
    assert guide(f"## Look {{#look}}\n{letters * 20_000}").steps[0].slug == "look"
