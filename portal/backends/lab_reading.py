"""Reads a lab out of its files, wherever they lie: a checked LabSpec or a BrokenLab, never an exception."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError

from portal.backends.lab_schema import PATTERNS, LabFile
from portal.backends.template_mistakes import explain, mistake_at
from portal.backends.yaml_lines import YamlDocument, YamlTrouble, read_yaml
from portal.core.errors import N_, Invalid
from portal.core.guide_pairs import uneven_hints
from portal.core.guides import Guide, guide_mistakes, read_guide
from portal.core.lab_files import GUIDES, LAB_FILE, most_bytes
from portal.core.labs import BrokenLab, LabSpec
from portal.core.templates import TemplateError, Words
from portal.core.texts import has_control_characters

MAX_ERRORS = 20
UNSEEN = N_("has characters that cannot be seen")

# The first bytes of the file of that name, so many at most. FileNotFoundError, or another OSError with its words.
Source = Callable[[str, int], bytes]


class Unreadable(Exception):
    """A file of the lab that cannot be taken; the message is a msgid."""

    def __init__(self, message: str, **params: str | int) -> None:
        super().__init__(message % params if params else message)
        self.message, self.params = message, params


def read_lab_from(source: Source, slug: str) -> LabSpec | BrokenLab:
    """One lab, with its guides and the scripts that it names."""
    try:
        document = read_yaml(source(LAB_FILE, most_bytes(LAB_FILE) + 1), file=LAB_FILE)
    except OSError as error:
        return broken(slug, N_("cannot be read: %(why)s"), why=error.strerror or "?")
    except YamlTrouble as trouble:
        return broken(slug, trouble.message, line=trouble.line, **trouble.params)
    try:
        lab_file = LabFile.model_validate(document.value)
    except ValidationError as error:
        return BrokenLab(slug, tuple(explain(each, document, PATTERNS) for each in error.errors()[:MAX_ERRORS]))
    return with_its_files(source, slug, lab_file, document)


def broken(slug: str, message: str, *, line: int | None = None, **params: str) -> BrokenLab:
    return BrokenLab(slug, (TemplateError(LAB_FILE, line, "", message, params),))


def with_its_files(source: Source, slug: str, lab_file: LabFile, document: YamlDocument) -> LabSpec | BrokenLab:
    errors = [mistake_at(path, document, UNSEEN, {}) for path in unseen_characters(document.value)]
    scripts: dict[str, str] = {}
    for path, name in lab_file.script_files():
        try:
            scripts[name] = read_text(source, name).replace("\r\n", "\n")
        except Unreadable as trouble:
            errors.append(mistake_at(path, document, trouble.message, trouble.params))
    guides: dict[str, str] = {}
    for language, name in GUIDES.items():
        try:
            guides[language] = read_text(source, name)
        except Unreadable as trouble:
            errors.append(TemplateError(name, None, "", trouble.message, trouble.params))
    if not errors:
        spec = lab_file.to_spec(slug, scripts=scripts, guide=Words(**guides))
        errors = mistakes_in_guides(spec)
        if not errors:
            return spec
    return BrokenLab(slug, tuple(errors[:MAX_ERRORS]))


def unseen_characters(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths to texts with control characters, which databases and consoles do not take well."""
    if isinstance(value, str) and has_control_characters(value):
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield from unseen_characters(item, (*path, key))


def read_text(source: Source, name: str) -> str:
    """Raises Unreadable with the words for whoever wrote the lab."""
    most = most_bytes(name)
    try:
        data = source(name, most + 1)
        text = data.decode("utf-8")
    except FileNotFoundError as error:
        raise Unreadable(N_("the file %(name)s is not in the folder"), name=name) from error
    except OSError as error:
        words = N_("the file %(name)s cannot be taken: %(why)s")
        raise Unreadable(words, name=name, why=error.strerror or "?") from error
    except UnicodeDecodeError as error:
        if len(data) <= most:
            raise Unreadable(N_("the file is not UTF-8 text")) from error
        text = ""
    if len(data) > most:
        raise Unreadable(N_("the file is larger than %(most)s KiB"), most=most // 1024)
    if has_control_characters(text):
        raise Unreadable(UNSEEN)
    return text


def mistakes_in_guides(spec: LabSpec) -> list[TemplateError]:
    guides: dict[str, Guide] = {}
    errors: list[TemplateError] = []
    for language, name in GUIDES.items():
        try:
            guides[language] = read_guide(spec.guide.read(language))
        except Invalid as problem:
            return [TemplateError(name, None, "", problem.message, dict(problem.params))]
        errors += guide_mistakes(guides[language], spec, file=name)
    return errors or uneven_hints(guides["es"], guides["en"])
