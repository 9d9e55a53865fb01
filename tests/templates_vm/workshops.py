"""Templates built into a cabinet by the same playbook and runner as `vivero template build`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from portal.backends.playbooks_ansible import AnsiblePlaybooks
from portal.backends.template_builds import Workshop, build
from portal.backends.templates_folder import read_template
from portal.config import ROOT
from portal.core.templates import TemplateSpec
from portal.interfaces import Json

ROLES = ROOT / "playbooks" / "roles"


@contextmanager
def workshop_in(cabinet: Path) -> Iterator[Workshop]:
    runner = AnsiblePlaybooks(ROOT / "playbooks", cabinet / "no-key", cabinet / "no-hosts")
    try:
        yield Workshop(cabinet, cabinet / "cache", ROLES, runner, clock=lambda: datetime.now(UTC))
    finally:
        runner.close()


def build_in(workshop: Workshop, slug: str, overrides: Mapping[str, Json] | None = None) -> Path:
    spec = read_template(ROOT / "templates_vm" / slug, roles_dir=ROLES)
    assert isinstance(spec, TemplateSpec)
    return workshop.cabinet / build(workshop, spec, overrides=overrides).version.disk


def build_into(cabinet: Path, slug: str) -> None:
    with workshop_in(cabinet) as workshop:
        build_in(workshop, slug)
