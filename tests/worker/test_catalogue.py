"""The worker reads the catalogue again when a file of it changes, and only then."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from portal.config import ROOT
from portal.models import Template
from portal.site import Site
from portal.worker.catalogue import CatalogueWatch
from tests.worker.hospital import Hospital


def site_with_folders(hospital: Hospital, folder: Path) -> Site:
    site = hospital.build()
    templates_dir = folder / "templates_vm"
    shutil.copytree(ROOT / "templates_vm" / "micro-linux", templates_dir / "micro-linux")
    settings = replace(site.settings, templates_dir=templates_dir, cabinet=folder / "cabinet", playbooks="fake")
    object.__setattr__(site, "settings", settings)
    return site


def slugs(site: Site) -> list[str]:
    with site.sessions() as db:
        return list(db.scalars(select(Template.slug).where(~Template.gone).order_by(Template.slug)))


def test_a_changed_folder_is_read_without_a_command(hospital_on_sqlite: Hospital, tmp_path: Path) -> None:
    site = site_with_folders(hospital_on_sqlite, tmp_path)
    watch = CatalogueWatch()
    watch.look(site)
    shutil.copytree(ROOT / "templates_vm" / "debian-12", site.settings.templates_dir / "debian-12")
    watch.look(site)
    assert slugs(site) == ["debian-12", "micro-linux"]
    file = site.settings.templates_dir / "debian-12" / "template.yml"
    file.write_text("nonsense")
    watch.look(site)
    with site.sessions() as db:
        assert db.get_one(Template, "debian-12").errors


def test_where_nothing_changed_nothing_is_read(hospital_on_sqlite: Hospital, tmp_path: Path) -> None:
    site = site_with_folders(hospital_on_sqlite, tmp_path)
    watch = CatalogueWatch()
    watch.look(site)
    with site.write_sessions.begin() as db:
        before = {row.slug: row.read_at for row in db.scalars(select(Template))}
    watch.look(site)
    with site.sessions() as db:
        assert {row.slug: row.read_at for row in db.scalars(select(Template))} == before
