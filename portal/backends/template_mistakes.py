"""What is wrong in a `template.yml` or `lab.yml`, in words that can be translated, with the line and the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.backends.yaml_lines import YamlDocument
from portal.core.errors import N_, PortalError
from portal.core.templates import TemplateError

# pydantic's kinds of error; what stands in brackets comes from its context
WORDS: Mapping[str, str] = {
    "missing": N_("this field is missing"),
    "extra_forbidden": N_("there is no such field here"),
    "int_type": N_("must be a whole number"),
    "bool_type": N_("must be true or false"),
    "string_type": N_("must be text; a number goes in quotes"),
    "list_type": N_("must be a list"),
    "dict_type": N_("must have fields of its own"),
    "model_type": N_("must have fields of its own"),
    "model_attributes_type": N_("must have fields of its own"),
    "string_too_short": N_("must have at least %(min_length)s characters"),
    "string_too_long": N_("must have at most %(max_length)s characters"),
    "too_short": N_("must have at least %(min_length)s entries"),
    "too_long": N_("must have at most %(max_length)s entries"),
    "greater_than_equal": N_("must be at least %(ge)s"),
    "less_than_equal": N_("must be at most %(le)s"),
    "literal_error": N_("must be one of these: %(expected)s"),
    "enum": N_("must be one of these: %(expected)s"),
    "date_type": N_("must be a day, written as 2028-06-30"),
    "date_parsing": N_("must be a day, written as 2028-06-30"),
    "date_from_datetime_parsing": N_("must be a day, written as 2028-06-30"),
    "date_from_datetime_inexact": N_("must be a day, written as 2028-06-30"),
}
OTHER = N_("this is not what belongs here: %(words)s")


class Mistake(ValueError):
    """Something that does not fit together. `at` leads from the part that found it to the field."""

    def __init__(self, message: str, *, at: tuple[str | int, ...] = (), **params: str | int) -> None:
        super().__init__(message % params if params else message)
        self.message, self.at, self.params = message, at, params

    @classmethod
    def out_of(cls, problem: PortalError, *at: str | int) -> Mistake:
        return cls(problem.message, at=at, **{name: str(value) for name, value in problem.params.items()})


def all_or_a_list(value: object) -> object:
    """Who may have something: in the file "all" or a list of departments, here None or that list."""
    if value == "all":
        return None
    if isinstance(value, list):
        return value
    raise Mistake(N_("must be all, or a list of departments"))


def explain(error: Mapping[str, Any], document: YamlDocument, patterns: Mapping[str, str]) -> TemplateError:
    """pydantic's finding with the line it belongs to. The value itself is left out: it may be long or private.

    `patterns` says in words what a pattern of the schema asks for.
    """
    path: tuple[str | int, ...] = tuple(error["loc"])
    context: Mapping[str, Any] = error.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, Mistake):
        return mistake_at((*path, *cause.at), document, cause.message, cause.params)
    pattern = patterns.get(str(context.get("pattern")))
    if pattern is not None:
        return mistake_at(path, document, pattern, {})
    message = WORDS.get(error["type"])
    if message is None:
        return mistake_at(path, document, OTHER, {"words": str(error["msg"])})
    params = {name: value if isinstance(value, int) else listed(str(value)) for name, value in context.items()}
    return mistake_at(path, document, message, params if "%(" in message else {})


def listed(choices: str) -> str:
    """pydantic's list of choices, without its English word."""
    return choices.replace(" or ", ", ").replace("'", "")


def mistake_at(
    path: tuple[str | int, ...], document: YamlDocument, message: str, params: Mapping[str, str | int]
) -> TemplateError:
    return TemplateError(document.file, document.line_of(path), ".".join(map(str, path)), message, dict(params))
