"""Reads `templates_vm/<slug>/`: each folder becomes a checked TemplateSpec or a BrokenTemplate, never an exception."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from portal.backends.bounded_files import read_bounded
from portal.backends.template_mistakes import explain, mistake_at
from portal.backends.template_schema import PATTERNS, TemplateFile
from portal.backends.yaml_lines import MAX_BYTES, YamlDocument, YamlTrouble, read_yaml
from portal.core.errors import N_
from portal.core.templates import BrokenTemplate, TemplateError, TemplateSpec

FILE = "template.yml"
PICTURE_KINDS = frozenset({".svg", ".png", ".webp"})
MAX_PICTURE_BYTES = 512 * 1024
MAX_FOLDERS = 500
MAX_ERRORS = 20


def read_templates(templates_dir: Path, *, roles_dir: Path | None = None) -> list[TemplateSpec | BrokenTemplate]:
    """All folders in order of their names. A folder whose name starts with a dot or "_" is left aside."""
    folders = sorted(path for path in templates_dir.iterdir() if path.is_dir() and path.name[0] not in "._")
    return [read_template(folder, roles_dir=roles_dir) for folder in folders[:MAX_FOLDERS]]


def read_template(folder: Path, *, roles_dir: Path | None = None) -> TemplateSpec | BrokenTemplate:
    """One folder. With `roles_dir` the role that builds its disk must be there too."""
    slug = folder.name
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,58}", slug):
        return broken(slug, N_("the folder's name must be small letters, digits and hyphens"))
    try:
        document = read_yaml(read_bounded(folder / FILE, MAX_BYTES + 1), file=FILE)
    except OSError as error:
        return broken(slug, N_("cannot be read: %(why)s"), why=error.strerror or "?")
    except YamlTrouble as trouble:
        return broken(slug, trouble.message, line=trouble.line, **trouble.params)
    try:
        template_file = TemplateFile.model_validate(document.value)
        spec = template_file.to_spec(slug)
    except ValidationError as error:
        return BrokenTemplate(slug, tuple(explain(each, document, PATTERNS) for each in error.errors()[:MAX_ERRORS]))
    errors = [*picture_errors(folder, spec, document), *role_errors(spec, document, roles_dir)]
    return BrokenTemplate(slug, tuple(errors)) if errors else spec


def broken(slug: str, message: str, *, line: int | None = None, **params: str) -> BrokenTemplate:
    return BrokenTemplate(slug, (TemplateError(FILE, line, "", message, params),))


def picture_errors(folder: Path, spec: TemplateSpec, document: YamlDocument) -> list[TemplateError]:
    picture = folder / spec.picture
    if picture.suffix not in PICTURE_KINDS:
        return [mistake_at(("picture",), document, N_("must be an SVG, PNG or WebP file"), {})]
    if not picture.is_file() or picture.is_symlink():
        words = N_("the file %(name)s is not in the folder")
        return [mistake_at(("picture",), document, words, {"name": spec.picture})]
    if picture.stat().st_size > MAX_PICTURE_BYTES:
        return [mistake_at(("picture",), document, N_("is larger than 512 KiB"), {})]
    return []


def role_errors(spec: TemplateSpec, document: YamlDocument, roles_dir: Path | None) -> list[TemplateError]:
    if spec.build is None or roles_dir is None or (roles_dir / spec.build.role / "tasks" / "main.yml").is_file():
        return []
    words = N_("there is no role %(role)s in playbooks/roles")
    return [mistake_at(("disk", "build", "role"), document, words, {"role": spec.build.role})]
