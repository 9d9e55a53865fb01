"""Reads `templates_vm/<slug>/`: each folder becomes a checked TemplateSpec or a BrokenTemplate, never an exception."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from portal.backends.template_schema import TemplateFile
from portal.backends.yaml_lines import YamlDocument, YamlTrouble, read_yaml
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
        return broken(slug, "the folder's name must be small letters, digits and hyphens")
    try:
        document = read_yaml(read_bounded(folder / FILE))
    except OSError as error:
        return broken(slug, f"cannot be read: {error.strerror or 'unknown reason'}")
    except YamlTrouble as trouble:
        return broken(slug, trouble.message, line=trouble.line)
    try:
        template_file = TemplateFile.model_validate(document.value)
        spec = template_file.to_spec(slug)
    except ValidationError as error:
        return BrokenTemplate(slug, tuple(explain(each, document) for each in error.errors()[:MAX_ERRORS]))
    errors = [*picture_errors(folder, spec, document), *role_errors(spec, document, roles_dir)]
    return BrokenTemplate(slug, tuple(errors)) if errors else spec


def read_bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(256 * 1024 + 1)


def broken(slug: str, message: str, *, line: int | None = None) -> BrokenTemplate:
    return BrokenTemplate(slug, (TemplateError(FILE, line, "", message),))


def explain(error: object, document: YamlDocument) -> TemplateError:
    """pydantic's finding with the line it belongs to. The value itself is left out: it may be long or private."""
    found: dict[str, object] = dict(error)  # type: ignore[call-overload] # pydantic's ErrorDetails
    location = found["loc"]
    path = tuple(step for step in location if isinstance(step, (str, int)))  # type: ignore[attr-defined]
    known = longest_known(path, document)
    message = str(found["msg"]).removeprefix("Value error, ")
    return TemplateError(FILE, document.line_of(known), ".".join(map(str, path)), message)


def longest_known(path: tuple[str | int, ...], document: YamlDocument) -> tuple[str | int, ...]:
    while path and path not in document.lines:
        path = path[:-1]
    return path


def picture_errors(folder: Path, spec: TemplateSpec, document: YamlDocument) -> list[TemplateError]:
    picture = folder / spec.picture
    line = document.line_of(("picture",))
    if picture.suffix not in PICTURE_KINDS:
        return [TemplateError(FILE, line, "picture", "must be an SVG, PNG or WebP file")]
    if not picture.is_file() or picture.is_symlink():
        return [TemplateError(FILE, line, "picture", f"the file {spec.picture} is not in the folder")]
    if picture.stat().st_size > MAX_PICTURE_BYTES:
        return [TemplateError(FILE, line, "picture", "larger than 512 KiB")]
    return []


def role_errors(spec: TemplateSpec, document: YamlDocument, roles_dir: Path | None) -> list[TemplateError]:
    if spec.build is None or roles_dir is None or (roles_dir / spec.build.role / "tasks" / "main.yml").is_file():
        return []
    line = document.line_of(("disk", "build", "role"))
    return [TemplateError(FILE, line, "disk.build.role", f"there is no role {spec.build.role} in playbooks/roles")]
