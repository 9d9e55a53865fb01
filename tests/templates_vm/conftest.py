"""Disks built by the real roles, and folders whose names are short enough for unix sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from portal.interfaces import Json
from portal.minicluster import Inventory
from tests.labs.checked_labs import LabDesk, lab_desk
from tests.minicluster.fixtures import running_minicluster
from tests.templates_vm.workshops import build_in, workshop_in

BuildDisk = Callable[..., Path]


@pytest.fixture(scope="module")
def own_host() -> Iterator[Inventory]:
    """A host of this process's own, so that labs on these templates need not wait for the shared ones."""
    with running_minicluster(hosts=1) as cluster:
        yield cluster.up(1)


@pytest.fixture(scope="module")
def build_disk(own_host: Inventory) -> Iterator[BuildDisk]:
    """build_disk(slug, **overrides): in the cabinet of that host, where labs find the template too."""
    with workshop_in(own_host.cabinet) as workshop:

        def build_disk(slug: str, overrides: Mapping[str, Json] | None = None) -> Path:
            return build_in(workshop, slug, overrides)

        yield build_disk


@pytest.fixture(scope="module")
def desk(own_host: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDesk]:
    with lab_desk(own_host, tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
def folder() -> Iterator[Path]:
    # pytest's own folders have names that are too long for a unix socket
    with TemporaryDirectory(prefix="vivero-", dir="/var/tmp") as name:  # noqa: S108
        yield Path(name)
