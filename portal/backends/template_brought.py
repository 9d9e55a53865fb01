"""Takes a disk that the hospital brings (Windows, mostly) as a template's next version, after checking its SHA-256."""

from __future__ import annotations

import json
import secrets
import subprocess
from datetime import datetime
from pathlib import Path

from portal.backends.template_builds import BuildOutcome, description_of
from portal.backends.template_versions import (
    BUILDING,
    TemplateBuildFailed,
    alone_in,
    publish,
    remove_leftovers,
    remove_tree,
    sha256_of,
    take_next_version,
    template_folder,
    versions,
)
from portal.core.errors import N_, Invalid
from portal.core.templates import TemplateSpec

IMAGE_FORMATS = {".qcow2": "qcow2", ".img": "raw", ".raw": "raw", ".vmdk": "vmdk", ".vdi": "vdi"}


def bring(cabinet: Path, spec: TemplateSpec, source: Path, *, now: datetime) -> BuildOutcome:
    """Take the hospital's disk as the next version, if it is the one that template.yml names by its SHA-256."""
    if spec.brought is None:
        raise Invalid(N_("The disk of “%(slug)s” is built, not brought."), slug=spec.slug)
    image_format = IMAGE_FORMATS.get(source.suffix.lower())
    if image_format is None or not source.is_file():
        raise Invalid(N_("“%(path)s” is not a disk file (.qcow2, .img, .raw, .vmdk or .vdi)."), path=str(source))
    found = sha256_of(source)
    if found != spec.brought.sha256:
        raise Invalid(
            N_("This disk's SHA-256 is %(found)s. If it is the right disk, write that into template.yml."), found=found
        )
    folder = template_folder(cabinet, spec.slug)
    with alone_in(folder):
        remove_leftovers(folder)
        before = versions(cabinet, spec.slug)
        if before and before[-1].digest == found:
            return BuildOutcome(before[-1], is_new=False)
        number = take_next_version(folder)
        work = folder / f"{BUILDING}v{number}-{secrets.token_hex(4)}"
        work.mkdir()
        try:
            disk = work / "disk.qcow2"
            convert_image(source, image_format, disk)
            built = description_of(spec, disk, number=number, digest=found, built_at=now)
            publish(folder, disk, built)
        finally:
            remove_tree(work)
        return BuildOutcome(built, is_new=True)


def convert_image(source: Path, image_format: str, disk: Path) -> None:
    """Copy into one self-contained qcow2. A disk that points to other files is refused: it could read any of ours."""
    seen = qemu_img("info", "--output=json", "-f", image_format, str(source))
    facts = json.loads(seen)
    details = facts.get("format-specific", {}).get("data", {})
    extents = details.get("extents", [])
    if facts.get("backing-filename") or details.get("data-file") or len(extents) > 1:
        raise Invalid(N_("This disk refers to other files. Please bring it as one file without snapshots."))
    qemu_img("convert", "-f", image_format, "-O", "qcow2", str(source), str(disk))


def qemu_img(*arguments: str) -> str:
    try:
        done = subprocess.run(["qemu-img", *arguments], capture_output=True, text=True, timeout=3600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TemplateBuildFailed(N_("qemu-img did not do its work: %(why)s"), why=type(error).__name__) from error
    if done.returncode != 0:
        raise TemplateBuildFailed(N_("qemu-img did not do its work: %(why)s"), why=done.stderr.strip()[-500:])
    return done.stdout
