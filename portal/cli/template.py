"""`vivero template`: build, bring, check and list VM templates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import inspect

from portal.backends.template_brought import bring as bring_disk
from portal.backends.template_builds import BuildOutcome, Workshop
from portal.backends.template_builds import build as build_disk
from portal.backends.template_versions import unreadable, versions
from portal.backends.templates_folder import read_template, read_templates
from portal.cli.signals import told_to_stop
from portal.config import Settings, read_settings
from portal.core.errors import N_, Invalid, NotFound, PortalError
from portal.core.templates import BrokenTemplate, TemplateSpec
from portal.interfaces import Json, PlaybookLine
from portal.models.database import make_write_sessions
from portal.services.audit import chain_key
from portal.wiring import PLAYBOOKS, CatalogueReport, choose, open_engine, sync_catalogue, utc_now

app = typer.Typer(help="Build, bring, check and list the VM templates of templates_vm/.", no_args_is_help=True)

Slug = Annotated[str, typer.Argument(help="The template's folder name, for example micro-linux.")]


@contextmanager
def one_clear_line() -> Iterator[None]:
    """Expected trouble is one line and exit code 1."""
    try:
        yield
    except PortalError as error:
        typer.echo(f"vivero: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def build(
    slug: Slug,
    force: Annotated[
        bool, typer.Option("--force/--if-changed", help="Build a new version even if nothing has changed.")
    ] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A variable of the role, as name=value; may be repeated.")
    ] = None,
    mirror: Annotated[str, typer.Option(help="A Debian mirror or sources file; by default this machine's own.")] = "",
) -> None:
    """Build a template's disk as its next version, if its role or variables have changed since the last one."""
    with one_clear_line():
        settings = read_settings()
        spec = good_template(settings, slug)
        if settings.playbooks == "fake":
            raise Invalid(N_("The simulator builds no disks: it only pretends that they are there."))
        runner = choose(PLAYBOOKS, settings.playbooks, "PLAYBOOKS").make(settings)
        with told_to_stop() as stopped:
            workshop = Workshop(
                cabinet=settings.cabinet,
                cache=settings.cabinet / "templates" / ".cache",
                roles_dir=settings.playbooks_dir / "roles",
                runner=runner,
                clock=utc_now,
                mirror=mirror,
                on_line=print_line,
                cancelled=stopped,
            )
            outcome = build_disk(workshop, spec, overrides=variables_of(set_ or []), force=force)
        sync_if_migrated(settings)
    say_outcome(outcome)


@app.command()
def bring(slug: Slug, disk: Annotated[Path, typer.Argument(help="The disk: qcow2, raw, VMDK or VDI.")]) -> None:
    """Take a disk that the hospital has made, if its SHA-256 is the one in template.yml."""
    with one_clear_line():
        settings = read_settings()
        outcome = bring_disk(settings.cabinet, good_template(settings, slug), disk, now=utc_now())
        sync_if_migrated(settings)
    say_outcome(outcome)


@app.command()
def check() -> None:
    """Check every folder: its fields, its picture, its role. Says file, line and field of each mistake."""
    with one_clear_line():
        settings = read_settings()
    broken = 0
    for found in read_templates(settings.templates_dir, roles_dir=settings.playbooks_dir / "roles"):
        if isinstance(found, BrokenTemplate):
            broken += 1
            for error in found.errors:
                typer.echo(f"{found.slug}/{error}", err=True)
        else:
            typer.echo(f"{found.slug}: good")
    if broken:
        raise typer.Exit(1)


@app.command(name="list")
def list_() -> None:
    """List the templates, the versions of their disks, and why one cannot be ordered."""
    with one_clear_line():
        settings = read_settings()
    for found in read_templates(settings.templates_dir, roles_dir=settings.playbooks_dir / "roles"):
        typer.echo(f"{found.slug:<20} {state_of(settings, found)}")


@app.command()
def sync() -> None:
    """Read templates, labs and cabinet into the database. The worker does it too: at its start, and after a change."""
    with one_clear_line():
        settings = read_settings()
        report = sync_now(settings)
    for title, names in report.lines().items():
        typer.echo(f"{title.replace('_', ' ')}: {', '.join(names)}")


def good_template(settings: Settings, slug: str) -> TemplateSpec:
    if not (settings.templates_dir / slug).is_dir() or Path(slug).name != slug:
        raise NotFound(N_("There is no template “%(slug)s”."), slug=slug[:60])
    found = read_template(settings.templates_dir / slug, roles_dir=settings.playbooks_dir / "roles")
    if isinstance(found, BrokenTemplate):
        raise Invalid(N_("The template is broken: %(why)s"), why="; ".join(map(str, found.errors)))
    return found


def variables_of(words: list[str]) -> dict[str, Json]:
    variables: dict[str, Json] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.startswith("template_"):
            raise Invalid(N_("Write --set template_name=value, not “%(word)s”."), word=word)
        # a role runs elsewhere: a path means the one seen from here
        is_path = name.endswith("_source") and value and "://" not in value
        variables[name] = str(Path(value).absolute()) if is_path else value
    return variables


def state_of(settings: Settings, found: TemplateSpec | BrokenTemplate) -> str:
    if isinstance(found, BrokenTemplate):
        return f"broken: {found.errors[0]}"
    numbers = [f"v{each.version}" for each in versions(settings.cabinet, found.slug)]
    strange = unreadable(settings.cabinet, found.slug)
    trouble = f" (left aside, unreadable: {', '.join(strange)})" if strange else ""
    if numbers:
        return f"orderable: {', '.join(numbers)}{trouble}"
    if found.brought is None:
        return f"not orderable: build its disk with “vivero template build {found.slug}”{trouble}"
    return f"not orderable: bring its disk with “vivero template bring {found.slug} <disk>”{trouble}"


def sync_now(settings: Settings) -> CatalogueReport:
    engine = open_engine(settings)
    try:
        with make_write_sessions(engine, audit_key=chain_key(settings.secret_key)).begin() as db:
            return sync_catalogue(settings, db, now=utc_now())
    finally:
        engine.dispose()


def sync_if_migrated(settings: Settings) -> None:
    """A first build may come before the database; the worker reads the catalogue when it starts."""
    engine = open_engine(settings)
    try:
        migrated = inspect(engine).has_table("lab_versions")
    finally:
        engine.dispose()
    if migrated:
        sync_now(settings)


def print_line(line: PlaybookLine) -> None:
    typer.echo(f"  {line.text}")


def say_outcome(outcome: BuildOutcome) -> None:
    what = "is ready" if outcome.is_new else "is up to date"
    size = outcome.version.size_bytes // 1024 // 1024
    typer.echo(f"{outcome.version.slug} v{outcome.version.version} {what} ({size} MiB)")
    for name, value in outcome.kept.items():
        typer.echo(f"  with {name}={value}, as given with --set for an earlier version")
