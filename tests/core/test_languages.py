"""The languages of a class: which there are, what a student reads, and how a link says them."""

from __future__ import annotations

import pytest

from portal.core.errors import Invalid
from portal.core.languages import check_languages, in_link, language_for, languages_in


@pytest.mark.parametrize("languages", [(), ("fr",), ("es", "es"), ("es", "en", "fr"), ("es", "")])
def test_what_is_no_choice_of_languages_is_refused(languages: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as refused:
        check_languages(languages)
    assert refused.value.field == "languages"


@pytest.mark.parametrize(
    ("languages", "wanted", "read"),
    [(("es", "en"), "en", "en"), (("es",), "en", "es"), (("en", "es"), "fr", "en"), (("en",), "en", "en")],
)
def test_a_student_reads_their_own_language_or_the_first(languages: tuple[str, ...], wanted: str, read: str) -> None:
    assert language_for(languages, wanted) == read


@pytest.mark.parametrize("languages", [("es",), ("en",), ("en", "es")])
def test_a_link_says_the_languages(languages: tuple[str, ...]) -> None:
    assert languages_in(in_link(languages)) == languages


@pytest.mark.parametrize("text", ["", "fr", "es,es", "es,en,fr", "<script>", "es,", "ES"])
def test_a_link_that_says_nonsense_says_nothing(text: str) -> None:
    assert languages_in(text) == ()


def test_a_class_in_both_languages_needs_no_word_in_its_link() -> None:
    assert in_link(("es", "en")) == ""
