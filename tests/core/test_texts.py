"""Text from people: any letters and line breaks, nothing invisible."""

from __future__ import annotations

import pytest

from portal.core.errors import Invalid
from portal.core.texts import check_text, has_control_characters


@pytest.mark.parametrize("text", ["", "Una wiki, año 2026", "two\r\nlines\tand a tab", "日本 ñ € 🙂"])
def test_what_people_write_is_fine(text: str) -> None:
    check_text(text, field="purpose")


@pytest.mark.parametrize("text", ["a\0b", "\x1b[31m", "bell\a", "\x7f", "\x85", "\ud800"])
def test_invisible_characters_are_refused_beside_the_field(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_text(text, field="purpose")
    assert raised.value.field == "purpose"


def test_one_line_has_no_line_breaks() -> None:
    assert has_control_characters("a\nb", lines=False)
