"""Words are found however they are typed."""

from __future__ import annotations

import pytest

from portal.web.search_words import contains_words


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", True),
        ("FORMACION", True),
        ("aula moodle", True),
        ("moodle aula", True),
        ("form", True),
        ("moodle wiki", False),
    ],
)
def test_accents_capitals_and_order_do_not_matter(wanted: str, found: bool) -> None:
    assert contains_words("Aula virtual (Moodle) para la formación", wanted) is found
