"""Hosts and templates."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.templates import (
    CloneKind,
    HardwareProfile,
    NetworkClass,
    OperatingSystem,
    Parameter,
    Personalisation,
    Range,
    Ready,
    ReadyBy,
    Size,
    TaskWords,
    TemplateSpec,
    Words,
    spec_to_data,
)
from portal.models import Host, Template, TemplateVersion
from tests.factories.moments import NOW


def make_host(db: Session, name: str = "hv1", **changes: object) -> Host:
    """A host with room for 16 small machines."""
    ordinary = {
        "name": name,
        "address": "10.77.0.11",
        "vcpus": 8,
        "memory_mib": 16 * 1024 + 512,
        "disk_gib": 1000,
        "accelerator": "qemu",
        "seen_at": NOW,
    }
    host = Host(**{**ordinary, **changes})
    db.add(host)
    db.flush()
    return host


def size(slug: str, vcpus: int, memory_mib: int, disk_gib: int) -> Size:
    def just(value: int) -> Range:
        return Range(value, value, value)

    return Size(slug, Words(slug, slug), just(vcpus), just(memory_mib), just(disk_gib))


def make_spec(slug: str = "dokuwiki", *, parameters: tuple[Parameter, ...] = (), **changes: Any) -> TemplateSpec:
    ordinary: dict[str, Any] = {
        "slug": slug,
        "name": Words(slug, slug),
        "description": Words("Una wiki", "A wiki"),
        "category": "web",
        "owner": "informatica",
        "may_order": None,
        "tasks": TaskWords(),
        "picture": "picture.svg",
        "system": OperatingSystem("Debian 12", date(2028, 6, 30)),
        "hardware": HardwareProfile(),
        "sizes": (size("small", 1, 1024, 10), size("large", 2, 4096, 40)),
        "parameters": parameters,
        "personalisation": Personalisation.CLOUD_INIT,
        "ready": Ready(ReadyBy.TCP, 300, port=80),
        "network": NetworkClass.DEPARTMENT,
        "clone": CloneKind.LINKED,
    }
    return TemplateSpec(**{**ordinary, **changes})


def spec_data(slug: str = "dokuwiki", **changes: Any) -> dict[str, Any]:
    return spec_to_data(make_spec(slug, **changes))


def make_template(db: Session, slug: str = "dokuwiki", *, versions: int = 1, **changes: Any) -> Template:
    """A template with this many built disks; `changes` are of its specification."""
    template = db.get(Template, slug)
    if template is None:
        template = Template(slug=slug, spec=spec_data(slug, **changes), read_at=NOW)
        db.add(template)
        db.flush()
        for number in range(1, versions + 1):
            make_template_version(db, slug, number)
    return template


def make_template_version(db: Session, slug: str = "dokuwiki", version: int = 1) -> TemplateVersion:
    query = select(TemplateVersion).where(TemplateVersion.template_slug == slug, TemplateVersion.version == version)
    known = db.scalar(query)
    if known is not None:
        return known
    template = db.get(Template, slug)
    row = TemplateVersion(
        id=uuid4(),
        template_slug=slug,
        version=version,
        disk=f"templates/{slug}/v{version}.qcow2",
        sha256="0" * 64,
        size_bytes=1024,
        built_at=NOW,
        spec=(template.spec if template else None) or spec_data(slug),
    )
    db.add(row)
    db.flush()
    return row
