"""Lists of people are read as teachers have them, and every line that cannot be read is told at once."""

from __future__ import annotations

import pytest

from portal.core.errors import Invalid
from portal.core.people import Person, check_people, read_people

ANA, BEA = Person("Ana Gil", "ana@example.org"), Person("Bea")


@pytest.mark.parametrize(
    "text",
    [
        "Ana Gil, ana@example.org\nBea",
        "Ana Gil;ana@example.org\r\n\r\nBea;\r\n",
        "Ana Gil\tana@example.org\nBea",
        "\n  Ana   Gil ,ana@example.org\n;;;\nBea",
        "Name,E-mail\nAna Gil,ana@example.org\nBea,",
        "Nombre;Apellidos;Correo electrónico\nAna;Gil;ana@example.org\nBea;;",
        'Correo\tNombre\nana@example.org\t"Ana Gil"\n\tBea',
    ],
)
def test_names_and_addresses_are_read_however_they_are_separated(text: str) -> None:
    assert read_people(text) == (ANA, BEA)


def test_an_empty_list_holds_nobody() -> None:
    assert read_people(" \n;;\n") == ()


def test_all_lines_that_are_wrong_are_told_at_once_by_their_number() -> None:
    with pytest.raises(Invalid) as refused:
        read_people("Ana\n;b@example.org\nCarla, carla\nana\n\nEva\u202e\n" + "x" * 81)
    assert refused.value.field == "people"
    told = str(refused.value)
    assert [f"line {number}" in told for number in range(1, 8)] == [False, True, True, True, False, True, True]
    assert "“carla” is no e-mail address" in told


def test_a_list_that_is_too_long_is_not_read() -> None:
    with pytest.raises(Invalid, match="64 KiB"):
        read_people("Ana\n" * 20_000)


def test_a_list_that_was_sent_is_checked_like_a_text() -> None:
    assert check_people([ANA, BEA]) == (ANA, BEA)
    with pytest.raises(Invalid, match="line 2: “bea” is there already"):
        check_people([BEA, Person("bea")])


@pytest.mark.parametrize("name", ['Ana "Anita" Gil', "O'Neill", '"Ana', "=1+1"])
def test_odd_names_are_names(name: str) -> None:
    assert len(read_people(name)) == 1
