"""`vivero reconcile`: compares database and cluster, and heals what drifted apart."""

from __future__ import annotations

from typing import Annotated

import typer

from portal.cli.work import one_clear_line, print_table
from portal.config import read_settings
from portal.services import audit, healing
from portal.services.audit import ChainReport
from portal.services.reconcile import Finding, compare
from portal.site import Site
from portal.wiring import build_site

FINDINGS = 2  # the exit code when something is left to look at


def reconcile(
    heal: Annotated[bool, typer.Option("--heal", help="Do what the last column says.")] = False,
) -> None:
    """Compare the database with the cluster. Without --heal nothing is changed. Exit code 2: something is left."""
    with one_clear_line():
        site = build_site(read_settings())
        try:
            left = run(site, heal=heal)
        finally:
            site.hypervisor.close()
    if left:
        raise typer.Exit(FINDINGS)


def run(site: Site, *, heal: bool) -> int:
    """How many findings are left; a broken audit log is one too."""
    with site.write_sessions() as db:
        chain = audit.verify_chain(db)
        broken = int(not chain.ok)
        if broken:
            typer.echo(trouble_of(chain), err=True)
        report = compare(db, hypervisor=site.hypervisor)
        if report.clean:
            typer.echo(f"Database and cluster agree. {chain.entries} audit entries, newest digest {chain.head or '-'}.")
            return broken
        show(report.findings)
        if not heal:
            typer.echo("Nothing was changed. “vivero reconcile --heal” does what the last column says.")
            return broken + len(report.findings)
        done = healing.heal(
            db,
            report=report,
            hypervisor=site.hypervisor,
            playbooks=site.playbooks,
            now=site.clock(),
            storage_dir=site.settings.storage_dir,
        )
        db.commit()
    typer.echo(f"Healed: {len(done.healed)}.")
    for finding, reason in done.left:
        typer.echo(f"Left: {finding.kind} {finding.what}: {reason}")
    return broken + len(done.left)


def trouble_of(chain: ChainReport) -> str:
    if chain.cut:
        return "The newest entries of the audit log are missing."
    return f"The audit log was changed at entry {chain.first_broken_id}."


def show(findings: tuple[Finding, ...]) -> None:
    rows = [(one.kind, one.host, one.what, one.detail, one.heal or "(look yourself)") for one in findings]
    print_table(("finding", "host", "what", "detail", "healing would"), rows)
