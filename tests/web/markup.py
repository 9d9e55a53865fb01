"""What every HTML answer must hold: one h1, labels, a language, unique ids, and nothing that our policy forbids."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

UNLABELLED = {"hidden", "submit", "button", "image", "reset"}


class Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.labelled: set[str] = set()
        self.referred: set[str] = set()
        self.controls: list[dict[str, str]] = []
        self.troubles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        if "id" in values:
            self.ids[values["id"]] += 1
        if tag == "label":
            self.labelled.add(values.get("for", ""))
        if tag in {"input", "select", "textarea"} and values.get("type") not in UNLABELLED:
            self.controls.append(values)
        for name in ("aria-describedby", "aria-labelledby", "aria-controls"):
            self.referred |= set(values.get(name, "").split())
        self.check_tag(tag, values)

    def check_tag(self, tag: str, values: dict[str, str]) -> None:
        if tag == "html" and not values.get("lang"):
            self.troubles.append("html has no lang")
        if tag == "script" and "src" not in values and "nonce" not in values:
            self.troubles.append("inline script without nonce")
        if tag == "style" and "nonce" not in values:
            self.troubles.append("inline style without nonce")
        if "style" in values or any(name.startswith("on") for name in values):
            self.troubles.append(f"{tag} has an inline style or event handler: {values}")
        if tag == "img" and "alt" not in values:
            self.troubles.append("img has no alt")
        if tag in {"script", "link", "img"} and "//" in values.get("src", values.get("href", ""))[:8]:
            self.troubles.append(f"{tag} from elsewhere")

    def check_whole(self) -> None:
        if self.tags["html"] and self.tags["h1"] != 1:
            self.troubles.append(f"{self.tags['h1']} h1")
        self.troubles += [f"id {name} is there {count} times" for name, count in self.ids.items() if count > 1]
        for control in self.controls:
            named = control.get("id") in self.labelled or control.get("aria-label") or control.get("aria-labelledby")
            if not named:
                self.troubles.append(f"no label: {control}")
        if self.tags["html"]:
            self.troubles += [f"refers to missing id {name}" for name in sorted(self.referred - set(self.ids))]


def check_markup(text: str) -> None:
    markup = Markup()
    markup.feed(text)
    markup.check_whole()
    assert not markup.troubles, markup.troubles
