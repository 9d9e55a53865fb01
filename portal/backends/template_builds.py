"""Builds a template's next disk by playbook, in a folder of its own until it is whole."""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from portal.backends.template_versions import (
    BUILDING,
    TemplateBuildFailed,
    alone_in,
    publish,
    remove_half_bases,
    remove_leftovers,
    remove_tree,
    sha256_of,
    take_next_version,
    template_folder,
    versions,
    virtual_bytes,
)
from portal.core.errors import N_, Cancelled, Invalid
from portal.core.templates import Build, BuiltVersion, TemplateSpec, spec_to_data
from portal.interfaces import Clock, HostAddress, Json, PlaybookLine, PlaybookRun, PlaybookRunner, PlaybookStatus

THIS_MACHINE = HostAddress(name="localhost", address="localhost")
BUILD_TIMEOUT_S = 3600


@dataclass(frozen=True)
class Workshop:
    """Where builds happen: the cabinet and the cache as this machine sees them, and who runs the playbook."""

    cabinet: Path
    cache: Path
    roles_dir: Path
    runner: PlaybookRunner
    clock: Clock
    mirror: str = ""
    on_line: Callable[[PlaybookLine], None] = field(default=lambda line: None)
    cancelled: Callable[[], bool] = field(default=lambda: False)


@dataclass(frozen=True)
class BuildOutcome:
    """`kept` are variables that were given with an earlier command and still count."""

    version: BuiltVersion
    is_new: bool
    kept: Mapping[str, Json] = field(default_factory=dict)


def build(
    workshop: Workshop, spec: TemplateSpec, *, overrides: Mapping[str, Json] | None = None, force: bool = False
) -> BuildOutcome:
    """Return the newest version, which is a new one if what it is made of has changed (or `force`).

    `overrides` go before the template's own variables, also in later builds, until the template says something new.
    Raises TemplateBuildFailed or Cancelled; the cabinet then holds what it held before.
    """
    if spec.build is None:
        raise Invalid(N_("The disk of “%(slug)s” is brought by the hospital, not built."), slug=spec.slug)
    folder = template_folder(workshop.cabinet, spec.slug)
    with alone_in(folder):
        remove_leftovers(folder)
        remove_half_bases(workshop.cache)
        before = versions(workshop.cabinet, spec.slug)
        kept = still_given(before[-1], spec.build, overrides or {}) if before else {}
        given = {**kept, **(overrides or {})}
        variables: dict[str, Json] = {**spec.build.variables, **given}
        digest = digest_of(spec.build.role, variables, workshop.roles_dir)
        if before and before[-1].digest == digest and not force:
            return BuildOutcome(before[-1], is_new=False, kept=kept)
        number = take_next_version(folder)
        work = folder / f"{BUILDING}v{number}-{secrets.token_hex(4)}"
        work.mkdir(mode=0o755)
        try:
            run_playbook(workshop, spec, variables, work=work, number=number)
            built = description_of(spec, work / "disk.qcow2", number=number, digest=digest, built_at=workshop.clock())
            publish(folder, work / "disk.qcow2", replace(built, overrides=given))
        finally:
            remove_tree(work)
        return BuildOutcome(replace(built, overrides=given), is_new=True, kept=kept)


def still_given(last: BuiltVersion, build: Build, overrides: Mapping[str, Json]) -> dict[str, Json]:
    """What was given for the last version and is given neither anew nor by a change in template.yml."""
    then = (last.spec.get("build") or {}).get("variables", {})
    return {
        name: value
        for name, value in last.overrides.items()
        if name not in overrides and then.get(name) == build.variables.get(name)
    }


def run_playbook(
    workshop: Workshop, spec: TemplateSpec, variables: Mapping[str, Json], *, work: Path, number: int
) -> None:
    workshop.cache.mkdir(parents=True, exist_ok=True)
    role = spec.build.role if spec.build else ""
    run = PlaybookRun(
        playbook="build_template",
        hosts=(THIS_MACHINE,),
        host_variables={THIS_MACHINE.name: {"ansible_connection": "local"}},
        variables={
            **variables,
            "template_build_slug": spec.slug,
            "template_build_version": number,
            "template_build_role": role,
            "template_build_work": str(work),
            "template_build_cache": str(workshop.cache),
            "template_build_mirror": workshop.mirror,
        },
        timeout_s=BUILD_TIMEOUT_S,
    )
    said: list[str] = []

    def on_line(line: PlaybookLine) -> None:
        if line.failed:
            said.append(line.text)
        workshop.on_line(line)

    result = workshop.runner.run(run, on_line=on_line, cancelled=workshop.cancelled)
    if result.status is PlaybookStatus.CANCELLED:
        raise Cancelled(N_("The build of “%(slug)s” was stopped. Nothing of it is left."), slug=spec.slug)
    if result.status is not PlaybookStatus.SUCCEEDED:
        why = "; ".join(result.hosts_failed.values()) or "; ".join(said[-3:]) or str(result.status)
        raise TemplateBuildFailed(
            N_("The build of “%(slug)s” failed and left nothing: %(why)s"), slug=spec.slug, why=why[:2000]
        )


def description_of(spec: TemplateSpec, disk: Path, *, number: int, digest: str, built_at: datetime) -> BuiltVersion:
    if not disk.is_file():
        raise TemplateBuildFailed(N_("The build ended without a disk."))
    check_fits(disk, spec)
    return BuiltVersion(
        slug=spec.slug,
        version=number,
        disk=f"templates/{spec.slug}/v{number}.qcow2",
        sha256=sha256_of(disk),
        size_bytes=disk.stat().st_size,
        built_at=built_at,
        digest=digest,
        spec=spec_to_data(spec),
    )


def check_fits(disk: Path, spec: TemplateSpec) -> None:
    """A clone is never smaller than its template's disk: a larger disk would take more than was ordered and counted."""
    least_gib = min((size.disk_gib.minimum for size in spec.sizes), default=None)
    disk_gib = math.ceil(virtual_bytes(disk) / 1024**3)
    if least_gib is not None and disk_gib > least_gib:
        raise Invalid(
            N_(
                "This disk has %(disk_gib)s GiB, but a machine may be given %(least_gib)s GiB. "
                "Raise disk_gib.min of the sizes in template.yml, or make the disk smaller."
            ),
            disk_gib=disk_gib,
            least_gib=least_gib,
        )


def digest_of(role: str, variables: Mapping[str, Json], roles_dir: Path) -> str:
    """Of everything our side puts into a disk: the variables, and the files of the role and of roles it includes."""
    digest = hashlib.sha256(json.dumps(variables, sort_keys=True).encode())
    for name in sorted(roles_of(role, roles_dir) | roles_of("template_disk", roles_dir)):
        for path in sorted(path for path in (roles_dir / name).rglob("*") if path.is_file()):
            digest.update(f"\0{path.relative_to(roles_dir)}\0{path.stat().st_mode & 0o111}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def roles_of(role: str, roles_dir: Path) -> set[str]:
    """The role and, by their task files, all template roles that it includes."""
    known: set[str] = set()
    waiting = [role]
    while waiting:
        name = waiting.pop()
        if name in known or not (roles_dir / name).is_dir():
            continue
        known.add(name)
        for path in (roles_dir / name / "tasks").glob("*.yml"):
            waiting += re.findall(r"^\s+name:\s*(template_[a-z0-9_]+)\s*$", path.read_text(), flags=re.MULTILINE)
    return known
