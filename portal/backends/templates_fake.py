"""Pretended template disks for the simulator: every template that would be built has a version 1."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from portal.core.templates import BrokenTemplate, BuiltVersion, TemplateSpec, spec_to_data

BUILT_AT = datetime(2026, 1, 1, tzinfo=UTC)


def pretend_versions(found: Iterable[TemplateSpec | BrokenTemplate]) -> dict[str, list[BuiltVersion]]:
    """Disks that the hospital brings are not pretended: so the simulator shows both kinds."""
    return {each.slug: [pretend(each)] for each in found if isinstance(each, TemplateSpec) and each.build is not None}


def pretend(spec: TemplateSpec) -> BuiltVersion:
    return BuiltVersion(
        slug=spec.slug,
        version=1,
        disk=f"templates/{spec.slug}/v1.qcow2",
        sha256=hashlib.sha256(spec.slug.encode()).hexdigest(),
        size_bytes=50 * 1024 * 1024,
        built_at=BUILT_AT,
        digest="simulator",
        spec=spec_to_data(spec),
    )
