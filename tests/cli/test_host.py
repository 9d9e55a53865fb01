"""`vivero host` and `vivero reconcile`: the cluster seen from the command line."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.backends.fake_cluster import FakeCluster, FakeMachine, Trouble
from portal.models import Host
from tests.cli.conftest import Vivero


@pytest.fixture
def world(tmp_path: Path) -> FakeCluster:
    return FakeCluster(tmp_path / "fake")


@pytest.fixture
def hv1(vivero: Vivero) -> str:
    vivero("host", "add", "hv1", "10.77.0.11")
    return "hv1"


def test_a_host_is_added_asked_and_listed(vivero: Vivero, db: Session, hv1: str) -> None:
    assert "vCPU" in vivero("host", "refresh")
    assert hv1 in vivero("host", "list")
    assert db.scalars(select(Host.vcpus)).one() > 0


def test_a_silent_host_is_said_and_fails(vivero: Vivero, hv1: str, world: FakeCluster) -> None:
    world.trouble(hv1, Trouble.HOST_DOWN)
    assert "does not answer" in vivero("host", "refresh", hv1, code=1)


def test_a_host_is_taken_out_of_use(vivero: Vivero, db: Session, hv1: str) -> None:
    vivero("host", "state", hv1, "maintenance", "--reason", "new memory")
    assert db.scalars(select(Host.state)).one() == "maintenance"
    assert vivero("host", "state", "nowhere", "active", code=1) == "vivero: There is no such host.\n"


def test_agreeing_is_said_and_ends_well(vivero: Vivero, hv1: str) -> None:
    assert "agree" in vivero("reconcile")


def test_a_stray_is_shown_and_only_removed_when_asked(vivero: Vivero, hv1: str, world: FakeCluster) -> None:
    stray = str(uuid4())
    with world.world() as machines:
        machines.machines[stray] = FakeMachine(stray, hv1, "stray", 1, 512, None)
    shown = vivero("reconcile", code=2)
    assert "unknown_machine" in shown
    assert "Nothing was changed" in shown
    assert "Healed: 2" in vivero("reconcile", "--heal")
    assert "agree" in vivero("reconcile")
