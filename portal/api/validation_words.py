"""What the schemas refuse, in sentences that can be translated: pydantic's own are English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from portal.api.languages import translated
from portal.core.errors import N_

# by pydantic's type of error; the values come from its context
SENTENCES: Mapping[str, str] = {
    "missing": N_("This is missing."),
    "extra_forbidden": N_("There is no such field."),
    "string_type": N_("This must be text."),
    "string_too_short": N_("This needs at least %(min_length)s characters."),
    "string_too_long": N_("This may have at most %(max_length)s characters."),
    "string_pattern_mismatch": N_("This has characters that are not allowed."),
    "int_type": N_("This must be a whole number."),
    "int_parsing": N_("This must be a whole number."),
    "greater_than_equal": N_("This must be at least %(ge)s."),
    "less_than_equal": N_("This must be at most %(le)s."),
    "bool_type": N_("This must be true or false."),
    "bool_parsing": N_("This must be true or false."),
    "dict_type": N_("This must be an object with names and values."),
    "model_type": N_("This must be an object with names and values."),
    "too_long": N_("This may have at most %(max_length)s entries."),
    "enum": N_("This must be one of: %(expected)s."),
    "literal_error": N_("This must be one of: %(expected)s."),
    "moment": N_("A moment is written with its offset, as in 2027-01-31T09:30:00+01:00."),
    "one_of_both": N_("Give either “times” or “dates”."),
    "value_error": N_("A day is written as YYYY-MM-DD."),  # with `moment` the only rules of our own in the schemas
    "date_from_datetime_parsing": N_("There is no such day."),
    "date_parsing": N_("There is no such day."),
}


def refused(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Field and sentence of each mistake. A type that has no sentence here keeps pydantic's."""
    for one in error.errors(include_url=False):
        sentence = SENTENCES.get(one["type"])
        values: Mapping[str, Any] = one.get("ctx", {})
        yield field_of(one["loc"]), translated(sentence) % values if sentence else one["msg"]


def field_of(place: tuple[int | str, ...]) -> str:
    """The name as the body has it. Of a parameter the name too; not which of its possible types was tried."""
    return ".".join(str(part) for part in place[:2] if part != "[key]")
