"""Lists of people as teachers have them: pasted names, or a table of names and mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from portal.core.errors import N_, Invalid, Phrase, Phrases, PortalError
from portal.core.pasted_tables import columns_of, rows_of

MOST_IN_NAME = 80
MOST_IN_EMAIL = 254
MOST_BYTES = 64 * 1024
MOST_TOLD = 8  # lines; nobody reads more at once
EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
# first lines of tables, as Moodle, Excel and Google write them in Spanish and English
HEADERS: Mapping[str, frozenset[str]] = {
    "name": frozenset({"name", "nombre", "first name", "full name", "nombre completo", "alumno", "student"}),
    "surname": frozenset({"surname", "last name", "apellido", "apellidos", "apellido(s)"}),
    "email": frozenset(
        {"email", "e-mail", "mail", "email address", "correo", "correo electrónico", "dirección de correo"}
    ),
}
ORDINARY = {"name": 0, "email": 1}


@dataclass(frozen=True)
class Person:
    name: str
    email: str = ""


def read_people(text: str) -> tuple[Person, ...]:
    """One person a line: a name, and an e-mail address if there is one. Raises Invalid beside `people`."""
    if len(text.encode()) > MOST_BYTES:
        raise Invalid(N_("This list is too long. At most 64 KiB are read."), field="people")
    lines = rows_of(text)
    columns = columns_of(lines[0][1], HEADERS, needed="name") if lines else None
    return people_of(lines[1:] if columns else lines, columns or ORDINARY)


def check_people(people: Sequence[Person]) -> tuple[Person, ...]:
    """As `read_people`, of a list that was sent as such: its places count as lines."""
    return people_of(enumerate(([one.name, one.email.strip()] for one in people), start=1), ORDINARY)


def people_of(lines: Iterable[tuple[int, Sequence[str]]], columns: Mapping[str, int]) -> tuple[Person, ...]:
    """All lines are read before any of them is told, so that a list is put right at once."""
    found: list[tuple[int, Person]] = []
    troubles: list[tuple[int, Invalid]] = []
    for number, cells in lines:
        try:
            found.append((number, person_of(number, cells, columns)))
        except Invalid as trouble:
            troubles.append((number, trouble))
    tell([*troubles, *duplicates(found)])
    return tuple(person for _number, person in found)


def person_of(number: int, cells: Sequence[str], columns: Mapping[str, int]) -> Person:
    """Raises Invalid."""

    def cell(kind: str) -> str:
        place = columns.get(kind, len(cells))
        return cells[place] if place < len(cells) else ""

    name, email = " ".join(f"{cell('name')} {cell('surname')}".split()), cell("email")
    if not name or EMAIL.fullmatch(name):
        raise Invalid(N_("line %(number)s has no name"), number=number)
    if len(name) > MOST_IN_NAME or not name.isprintable():
        raise Invalid(N_("line %(number)s: the name is too long or cannot be read"), number=number)
    if email and (len(email) > MOST_IN_EMAIL or not email.isprintable() or not EMAIL.fullmatch(email)):
        raise Invalid(N_("line %(number)s: “%(text)s” is no e-mail address"), number=number, text=email[:60])
    return Person(name, email)


def duplicates(found: Iterable[tuple[int, Person]]) -> list[tuple[int, Invalid]]:
    seen: set[str] = set()
    twice = []
    for number, person in found:
        if person.name.casefold() in seen:
            text = N_("line %(number)s: “%(name)s” is there already")
            twice.append((number, Invalid(text, number=number, name=person.name)))
        seen.add(person.name.casefold())
    return twice


def tell(troubles: Sequence[tuple[int, PortalError]]) -> None:
    """Raise one Invalid for all lines, in their order."""
    if troubles:
        first = sorted(troubles, key=lambda one: one[0])[:MOST_TOLD]
        lines = Phrases(Phrase(trouble.message, trouble.params) for _number, trouble in first)
        raise Invalid(N_("These lines of the list need another look: %(lines)s."), field="people", lines=lines)
