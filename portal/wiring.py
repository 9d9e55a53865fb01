"""Puts the parts together, each by its name in the settings. A part is loaded only when it is named.

So the simulator runs where neither libvirt nor Ansible is installed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from sqlalchemy import Engine, inspect
from sqlalchemy.orm import Session

from portal.backends.engine_dbos import DbosQueue
from portal.backends.lab_reader_yaml import YamlLabReader
from portal.backends.labs_folder import read_labs
from portal.backends.template_versions import all_unreadable, all_versions
from portal.backends.templates_fake import pretend_versions
from portal.backends.templates_folder import read_templates
from portal.config import Settings
from portal.core.errors import N_, Conflict, Invalid
from portal.interfaces import Consoles, DoorStreams
from portal.models.database import make_sessions, make_write_sessions, open_database
from portal.services import labs, templates
from portal.services.audit import chain_key
from portal.services.labs import LabSyncReport
from portal.services.templates import SyncReport
from portal.site import Site

CLOSE_WITHIN_S = 5.0


@dataclass(frozen=True)
class Part:
    """`place` is "module:callable"; `arguments` come out of the settings."""

    place: str
    arguments: Callable[[Settings], Mapping[str, Any]] = lambda settings: {}

    def make(self, settings: Settings) -> Any:
        module, name = self.place.split(":")
        return getattr(import_module(module), name)(**self.arguments(settings))


def ssh_arguments(settings: Settings) -> dict[str, Any]:
    return {"ssh_key": settings.ssh_key, "known_hosts": settings.ssh_known_hosts}


HYPERVISORS: Mapping[str, Part] = {
    "libvirt": Part(
        "portal.backends.hypervisor_libvirt:LibvirtHypervisor",
        lambda settings: {**ssh_arguments(settings), "storage_dir": settings.storage_dir},
    ),
    "fake": Part("portal.backends.hypervisor_fake:FakeHypervisor", lambda settings: {"folder": settings.var / "fake"}),
}
PLAYBOOKS: Mapping[str, Part] = {
    "ansible": Part(
        "portal.backends.playbooks_ansible:AnsiblePlaybooks",
        lambda settings: {**ssh_arguments(settings), "playbooks_dir": settings.playbooks_dir},
    ),
    "fake": Part("portal.backends.playbooks_fake:FakePlaybooks", lambda settings: {"folder": settings.var / "fake"}),
}
REACHABILITIES: Mapping[str, Part] = {
    "libvirt": Part("portal.backends.reachability_tcp:TcpReachability"),
    "fake": Part(
        "portal.backends.reachability_fake:FakeReachability", lambda settings: {"folder": settings.var / "fake"}
    ),
}
CONSOLES: Mapping[str, Part] = {
    "libvirt": Part("portal.backends.consoles_ssh:SshConsoles", ssh_arguments),
    "fake": Part("portal.backends.consoles_fake:simulated", lambda settings: {"folder": settings.var / "fake"}),
}
DOORS: Mapping[str, Part] = {
    "libvirt": Part("portal.backends.doors_ssh:SshDoors", ssh_arguments),
    "fake": Part("portal.backends.doors_fake:FakeDoors", lambda settings: {"folder": settings.var / "fake"}),
}
DOOR_STREAMS: Mapping[str, Part] = {
    "libvirt": Part("portal.backends.door_streams_ssh:SshDoorStreams", ssh_arguments),
    "fake": Part("portal.backends.door_streams_fake:FakeDoorStreams"),
}
MAILERS: Mapping[str, Part] = {
    "page": Part("portal.backends.mail_page:PageMailer"),
    "smtp": Part(
        "portal.backends.mail_smtp:SmtpMailer",
        lambda settings: {"url": settings.smtp_url, "sender": settings.mail_from},
    ),
}


def utc_now() -> datetime:
    return datetime.now(UTC)


def choose(parts: Mapping[str, Part], name: str, setting: str) -> Part:
    if name not in parts:
        raise Invalid(
            N_("VIVERO_%(setting)s is “%(name)s”, but must be one of: %(names)s."),
            setting=setting,
            name=name,
            names=", ".join(parts),
        )
    return parts[name]


def open_engine(settings: Settings) -> Engine:
    """The database. Approving and queueing are one transaction, so the engine's tables must be in it too."""
    if settings.engine_database_url != settings.database_url:
        raise Invalid(N_("VIVERO_ENGINE_DATABASE_URL must be the same database as VIVERO_DATABASE_URL."))
    if settings.is_sqlite:
        settings.var.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open_database(settings.database_url)


def build_site(settings: Settings) -> Site:
    """Everything that pages, calls and workflows need from the outside."""
    engine, audit_key = open_engine(settings), chain_key(settings.secret_key)
    return Site(
        settings=settings,
        sessions=make_sessions(engine, audit_key=audit_key),
        write_sessions=make_write_sessions(engine, audit_key=audit_key),
        queue=DbosQueue(settings.engine_database_url),
        hypervisor=choose(HYPERVISORS, settings.hypervisor, "HYPERVISOR").make(settings),
        playbooks=choose(PLAYBOOKS, settings.playbooks, "PLAYBOOKS").make(settings),
        reachability=choose(REACHABILITIES, settings.hypervisor, "HYPERVISOR").make(settings),
        doors=choose(DOORS, settings.hypervisor, "HYPERVISOR").make(settings),
        lab_reader=YamlLabReader(),
        mailer=choose(MAILERS, settings.mailer, "MAILER").make(settings),
        clock=utc_now,
    )


def close_site(site: Site) -> None:
    """Leave no files and no SSH connections behind; a host that never answers must not keep us."""
    for part in (site.playbooks, site.hypervisor, site.doors):
        closing = threading.Thread(target=part.close, daemon=True)
        closing.start()
        closing.join(CLOSE_WITHIN_S)


def check_tables(site: Site) -> None:
    """Raise Conflict while nobody has made the tables."""
    with site.sessions() as db:
        if not inspect(db.connection()).has_table("workers"):
            raise Conflict(N_("The database has no tables yet. Run “vivero migrate” first."))


def build_consoles(settings: Settings) -> Consoles:
    """Only the server opens consoles, inside its event loop."""
    consoles: Consoles = choose(CONSOLES, settings.hypervisor, "HYPERVISOR").make(settings)
    return consoles


def build_door_streams(settings: Settings) -> DoorStreams:
    """As consoles: only the server opens them, inside its event loop."""
    streams: DoorStreams = choose(DOOR_STREAMS, settings.hypervisor, "HYPERVISOR").make(settings)
    return streams


def catalogue_state(settings: Settings) -> tuple[tuple[str, int, int], ...]:
    """What changes when a template's or lab's folder or a disk in the cabinet does: names, times and sizes."""
    files = [*settings.templates_dir.glob("*"), *settings.templates_dir.glob("*/*")]
    files += [*settings.labs_dir.glob("*"), *settings.labs_dir.glob("*/*"), *settings.labs_dir.glob("*/*/*")]
    files += [settings.cabinet / "templates", *(settings.cabinet / "templates").glob("*/v*")]
    seen = []
    for file in files:
        with suppress(FileNotFoundError):  # it went away in this moment
            facts = file.stat()
            seen.append((str(file), facts.st_mtime_ns, facts.st_size))
    return tuple(sorted(seen))


@dataclass(frozen=True)
class CatalogueReport:
    """What reading all folders changed."""

    templates: SyncReport
    labs: LabSyncReport

    def lines(self) -> dict[str, tuple[str, ...]]:
        """What there is to say, by its title."""
        of_labs = {f"labs {title}": names for title, names in vars(self.labs).items()}
        return {title: names for title, names in {**vars(self.templates), **of_labs}.items() if names}


def sync_catalogue(settings: Settings, db: Session, *, now: datetime) -> CatalogueReport:
    """Bring catalogue and library to what `templates_vm/`, the cabinet and `labs/` hold. Bad folders are broken."""
    report = sync_templates(settings, db, now=now)
    return CatalogueReport(report, labs.sync(db, found=read_labs(settings.labs_dir), now=now))


def sync_templates(settings: Settings, db: Session, *, now: datetime) -> SyncReport:
    found = read_templates(settings.templates_dir, roles_dir=settings.playbooks_dir / "roles")
    if settings.playbooks == "fake":
        return templates.sync(db, found=found, built=pretend_versions(found), now=now)
    report = templates.sync(db, found=found, built=all_versions(settings.cabinet), now=now)
    return replace(report, unreadable=tuple(all_unreadable(settings.cabinet)))
