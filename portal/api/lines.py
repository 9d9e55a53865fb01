"""Mistakes in a folder as one line each, in the caller's language."""

from __future__ import annotations

from portal.api.languages import said
from portal.core.templates import TemplateError


def error_line(error: TemplateError) -> str:
    """File, line and field as in the error itself, then what is wrong in the caller's language."""
    place = error.file if error.line is None else f"{error.file}:{error.line}"
    text = said(error.message, error.params)
    return f"{place}: {error.field}: {text}" if error.field else f"{place}: {text}"
