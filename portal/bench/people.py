"""What people in a class do at their pages: the scripts' questions at their intervals, and clicks now and then."""

from __future__ import annotations

import html
import re
import time
from dataclasses import dataclass, field
from random import Random

from portal.bench.browsers import Answer, Browser

STATUS_EVERY_S, BOARD_EVERY_S = 5.0, 2.0  # what the pages' hx-trigger say
MEAN_S = {"page": 120.0, "step": 60.0, "check": 60.0, "hint": 240.0, "hand": 240.0}  # between two clicks of one student
MARK = re.compile(r'hx-get="(/class/status\?mark=[^"]*)"')
BOARD = re.compile(r'hx-get="(/classes/[^"]+/board\?[^"]*)"')
STEP = re.compile(r'<button type="submit" name="step" value="([^"]+)"')
HERE = re.compile(r'<section id="guide"[^>]* data-step="([^"]+)"')


@dataclass
class Student:
    """Their page, and when they do what next."""

    browser: Browser
    chance: Random
    status: str = ""
    steps: list[str] = field(default_factory=list)
    here: str = ""
    hand_up: bool = False
    due: dict[str, float] = field(default_factory=dict)

    def begin(self, now: float) -> None:
        self.load()
        self.due = {kind: now + self.chance.expovariate(1 / mean) for kind, mean in MEAN_S.items()}
        self.due["status"] = now + STATUS_EVERY_S

    def next_at(self) -> float:
        return min(self.due.values())

    def act(self) -> None:
        """What is due first; and the moment of the next of its kind."""
        kind = min(self.due, key=lambda one: self.due[one])
        mean = MEAN_S.get(kind)
        self.due[kind] = time.monotonic() + (self.chance.expovariate(1 / mean) if mean else STATUS_EVERY_S)
        getattr(self, f"do_{kind}")()

    def load(self) -> None:
        answer = self.browser.get("page", "/class")
        self.read(answer)
        self.steps = STEP.findall(answer.text) or self.steps

    def read(self, answer: Answer) -> None:
        """What the page shows now."""
        for pattern, name in ((MARK, "status"), (HERE, "here")):
            found = pattern.search(answer.text)
            if found:
                setattr(self, name, html.unescape(found.group(1)))

    def do_page(self) -> None:
        self.load()

    def do_status(self) -> None:
        answer = self.browser.get("status", self.status)
        if "HX-Refresh" in answer.headers or "hx-refresh" in answer.headers:
            self.load()
        self.read(answer)

    def do_step(self) -> None:
        self.read(self.browser.post("step", "/class/step", {"step": self.chance.choice(self.steps)}))

    def do_check(self) -> None:
        self.read(self.browser.post("check", "/class/check", {"step": self.here}))

    def do_hint(self) -> None:
        self.read(self.browser.post("hint", "/class/hint", {"step": self.here}))

    def do_hand(self) -> None:
        path = "/class/hand/lower" if self.hand_up else "/class/hand"
        self.browser.post("hand", path, {"text": "?"})
        self.hand_up = not self.hand_up


@dataclass
class Teacher:
    """The board of one class, open."""

    browser: Browser
    page: str
    board: str = ""
    at: float = 0.0

    def begin(self, now: float) -> None:
        self.read(self.browser.get("teacher's page", self.page))
        self.at = now + BOARD_EVERY_S

    def read(self, answer: Answer) -> None:
        found = BOARD.search(answer.text)
        if found:
            self.board = html.unescape(found.group(1))

    def next_at(self) -> float:
        return self.at

    def act(self) -> None:
        self.at = time.monotonic() + BOARD_EVERY_S
        self.read(self.browser.get("board", self.board))
