"""Words are found however they are typed."""

from __future__ import annotations

import pytest

from portal.web.search_words import matches, words_of


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("FORMACION", 1),
        ("aula moodle", 2),
        ("moodle aula", 2),
        ("form", 1),
        ("moodle wiki", 1),
        ("wiki", 0),
    ],
)
def test_accents_capitals_and_order_do_not_matter(wanted: str, found: int) -> None:
    assert matches("Aula virtual (Moodle) para la formación", words_of(wanted)) == found


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("moodle para 30 personas", ["moodle", "30", "personas"]),
        ("Necesito una wiki", ["wiki"]),
        ("a server for the ward", ["server", "ward"]),
        ("para", ["para"]),  # nothing else to go by
        ("", []),
    ],
)
def test_words_that_say_nothing_are_left_out(wanted: str, words: list[str]) -> None:
    assert words_of(wanted) == words
