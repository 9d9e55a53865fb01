"""Disks built by the real roles, and folders whose names are short enough for unix sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from portal.backends.playbooks_ansible import AnsiblePlaybooks
from portal.backends.template_builds import Workshop, build
from portal.backends.templates_folder import read_template
from portal.config import ROOT
from portal.core.templates import TemplateSpec
from portal.interfaces import Json

BuildDisk = Callable[..., Path]


@pytest.fixture(scope="module")
def build_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuildDisk]:
    """build_disk(slug, **overrides): by the same playbook and runner as `vivero template build`."""
    cabinet = tmp_path_factory.mktemp("cabinet")
    roles = ROOT / "playbooks" / "roles"
    runner = AnsiblePlaybooks(ROOT / "playbooks", cabinet / "no-key", cabinet / "no-hosts")
    workshop = Workshop(cabinet, cabinet / "cache", roles, runner, clock=lambda: datetime.now(UTC))

    def build_disk(slug: str, overrides: Mapping[str, Json] | None = None) -> Path:
        spec = read_template(ROOT / "templates_vm" / slug, roles_dir=roles)
        assert isinstance(spec, TemplateSpec)
        return cabinet / build(workshop, spec, overrides=overrides).version.disk

    yield build_disk
    runner.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    # pytest's own folders have names that are too long for a unix socket
    with TemporaryDirectory(prefix="vivero-", dir="/var/tmp") as name:  # noqa: S108
        yield Path(name)
