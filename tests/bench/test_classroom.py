"""The bench of classes at work: what its people do, how it follows a screen, its sums, and a small real run."""

from __future__ import annotations

import struct
from random import Random

import pytest

from portal.backends.rfb_screen import Screen
from portal.bench.browsers import Answer, Browser, Taken
from portal.bench.classroom import Load, bench_classroom, pages_table, sizes_of
from portal.bench.console_load import ALL, CHANGES, forget_greeting, length_of_update
from portal.bench.people import STATUS_EVERY_S, Student
from portal.core.rfb import VERSION

STEPS = "".join(f'<button type="submit" name="step" value="{step}">' for step in ("one", "two"))
GUIDE = f'<section id="guide" data-step="two">{STEPS}'
PAGE = f'<div hx-get="/class/status?mark=a.b.c.d" hx-trigger="every 5s"></div>{GUIDE}'


class KeptBrowser(Browser):
    """Answers each question with the same page."""

    def __init__(self) -> None:
        super().__init__(0, {})
        self.asked: list[str] = []

    def ask(self, kind: str, method: str, path: str, body: str | None = None) -> Answer:
        self.asked.append(f"{method} {path}")
        return Answer(200, PAGE, {})


def test_classes_hold_at_most_forty() -> None:
    assert sizes_of(200) == [40] * 5
    assert sizes_of(45) == [40, 5]


def test_a_student_asks_for_changes_with_the_mark_of_the_page() -> None:
    student = Student(KeptBrowser(), Random(1))  # noqa: S311 - nothing secret
    student.begin(100.0)
    assert (student.steps, student.here, student.status) == (["one", "two"], "two", "/class/status?mark=a.b.c.d")
    student.due = {"status": 100.0 + STATUS_EVERY_S, "page": 900.0}
    student.act()
    assert student.browser.asked == ["GET /class", "GET /class/status?mark=a.b.c.d"]  # type: ignore[attr-defined]


def test_screens_are_followed_update_by_update() -> None:
    screen, came = Screen(), bytearray()
    for said in (VERSION, b"\x01", b"\x01"):
        for part in screen.answer(said):
            came += part
        assert forget_greeting(came) is (said is not VERSION and came == b"")
        if not came:
            break
    (whole,) = [part for part in screen.answer(ALL) if part]
    assert length_of_update(bytearray(whole)) == len(whole)
    assert length_of_update(bytearray(whole[:-1])) is None
    screen.answer(CHANGES)
    assert length_of_update(bytearray(screen.change() + struct.pack(">I", 0))) is not None


@pytest.mark.parametrize(("p95", "errors", "reached"), [(150.0, 0, True), (151.0, 0, False), (10.0, 1, False)])
def test_the_aim_is_of_all_answers_but_checks_and_knows_no_errors(p95: float, errors: int, reached: bool) -> None:
    crowd = {"ms": {"status": [p95] * 40, "check": [1100.0] * 40}, "errors": {"status": errors, "check": 0}}
    table = pages_table(crowd, Load(200, 60, 60), 5)
    assert [row["page"] for row in table.rows] == ["check", "status", "all but checks"]
    assert table.rows[-1]["aim"] is reached


def test_what_several_browsers_took_is_added_up() -> None:
    one, other = Taken(), Taken()
    one.note("page", 5.0, good=True)
    other.note("page", 7.0, good=False)
    one.add(other)
    assert (one.ms, one.errors) == ({"page": [5.0, 7.0]}, {"page": 1})


@pytest.mark.slow
def test_a_small_class_works_without_errors() -> None:
    pages, load = bench_classroom(Load(students=6, consoles=4, seconds=8), lambda text: None)
    whole = pages.rows[-1]
    assert (whole["errors"], int(whole["answers"]) > 6) == (0, True)
    assert {"status", "board"} <= {row["page"] for row in pages.rows}
    (taken,) = load.rows
    assert (taken["consoles"], taken["refused"], taken["broken"]) == (4, 0, 0)
    assert float(taken["consoles KiB/s"]) > 5
