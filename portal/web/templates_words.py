"""A template's name in the reader's language, from what was kept with a version."""

from __future__ import annotations

from portal.models import TemplateVersion
from portal.web.languages import current_language


def template_name(version: TemplateVersion) -> str:
    """Reads only the name: a list of machines must not check fifty whole specifications."""
    name = version.spec.get("name")
    if isinstance(name, dict):
        return str(name.get(current_language()) or version.template_slug)
    return version.template_slug
