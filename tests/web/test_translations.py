"""Nothing that people read is left in English: every message of the code has its Spanish words."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from portal.config import ROOT
from portal.services.translations import TRANSLATIONS, compile_translations

PO = TRANSLATIONS / "es" / "LC_MESSAGES" / "messages.po"
METHODS = [("portal/web/pages/**.html", "jinja2"), ("portal/**.py", "python")]
OPTIONS = {"portal/web/pages/**.html": {"encoding": "utf-8", "extensions": "jinja2.ext.do"}}
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2)}
PLACE = re.compile(r"%\(\w+\)[sd]")


@pytest.fixture(scope="module")
def spanish() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="es")


def words(message: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)


def messages_of_the_code() -> set[str]:
    found = extract_from_dir(ROOT, METHODS, OPTIONS, keywords=KEYWORDS)
    return {words(message)[0] for _file, _line, message, _comments, _context in found if message and words(message)[0]}


def test_every_message_of_the_code_is_in_the_catalogue(spanish: Catalog) -> None:
    known = {words(message.id)[0] for message in spanish if message.id}
    assert sorted(messages_of_the_code() - known) == [], "run bin/translate, then fill what is empty"


def texts_within_f_strings(path: Path) -> list[int]:
    """Babel does not look there."""
    return [
        call.lineno
        for piece in ast.walk(ast.parse(path.read_text()))
        if isinstance(piece, ast.JoinedStr)
        for call in ast.walk(piece)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in KEYWORDS
        if call.args and isinstance(call.args[0], ast.Constant)
    ]


def test_no_message_hides_within_an_f_string() -> None:
    found = {str(path): texts_within_f_strings(path) for path in (ROOT / "portal").rglob("*.py")}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_nothing_is_untranslated_or_guessed(spanish: Catalog) -> None:
    empty = [message.id for message in spanish if message.id and not all(words(message.string))]
    guessed = [message.id for message in spanish if message.id and message.fuzzy]
    assert empty == []
    assert guessed == []


def test_translations_have_the_places_of_the_original(spanish: Catalog) -> None:
    wrong = [
        message.id
        for message in spanish
        if message.id
        for english, translated in zip(words(message.id), words(message.string), strict=True)
        if set(PLACE.findall(english)) != set(PLACE.findall(translated))
    ]
    assert wrong == []


def test_nobody_is_told_in_spanish_what_to_do_as_a_friend(spanish: Catalog) -> None:
    """The portal says "usted", or nobody at all."""
    familiar = re.compile(r"\b(tú|tu|tus|tuyo|tuya|puedes|tienes|quieres|(?<!se )(elige|escribe)|haz)\b", re.IGNORECASE)
    found = [text for message in spanish if message.id for text in words(message.string) if familiar.search(text)]
    assert found == []


def test_the_compiled_form_is_made_when_it_is_missing_or_old(tmp_path: Path) -> None:
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    shutil.copy(PO, folder / "messages.po")
    assert compile_translations(tmp_path) == [folder / "messages.mo"]
    assert compile_translations(tmp_path) == []
    with (folder / "messages.mo").open("rb") as file:
        assert read_mo(file).get("Log out").string == "Salir"
