"""Seats on hosts that no class has any more are found and removed; living ones and those being saved are not."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from portal.backends.fake_cluster import FakeMachine, FakeSeat, Trouble
from portal.core.lifecycle import SeatImageState, SeatState
from portal.core.naming import seat_id_for
from portal.interfaces import Power
from portal.models import Host, SeatImage
from portal.services import healing
from portal.services.reconcile import Finding, FindingKind, compare
from portal.services.seat_designs import image_owner
from tests.factories import make_host
from tests.factories.classes import make_lab_session, make_seat
from tests.factories.moments import NOW
from tests.services.conftest import Cluster


@pytest.fixture
def hosts(db: Session) -> tuple[Host, Host]:
    return make_host(db, "hv1"), make_host(db, "hv2")


def put_seat(cluster: Cluster, seat_id: UUID, host: str) -> None:
    """The seat with one machine, as the host has it."""
    machine = uuid4()
    with cluster.world.world() as world:
        world.seats[str(seat_id)] = FakeSeat(str(seat_id), host)
        world.machines[str(machine)] = FakeMachine(
            str(machine), host, "class-1", 1, 128, None, power=Power.RUNNING, seat=str(seat_id)
        )


def found(db: Session, cluster: Cluster) -> list[Finding]:
    report = compare(db, hypervisor=cluster.hypervisor)
    return [one for one in report.findings if one.kind == FindingKind.UNKNOWN_SEAT]


def test_a_seat_of_a_class_is_no_stray(db: Session, cluster: Cluster, hosts: tuple[Host, Host]) -> None:
    seat = make_seat(db, make_lab_session(db), host_id=hosts[0].id)
    put_seat(cluster, seat.id, "hv1")
    assert found(db, cluster) == []


def test_a_seat_that_an_image_is_being_made_of_is_no_stray(
    db: Session, cluster: Cluster, hosts: tuple[Host, Host]
) -> None:
    version = make_lab_session(db).lab_version_id
    db.add(SeatImage(key="a" * 32, lab_version_id=version, made_at=NOW, state=SeatImageState.BUILDING))
    db.flush()
    put_seat(cluster, seat_id_for(image_owner("a" * 32), 0), "hv1")
    assert found(db, cluster) == []


def test_what_a_lost_host_brought_back_is_found_and_removed(
    db: Session, cluster: Cluster, hosts: tuple[Host, Host]
) -> None:
    seat = make_seat(db, make_lab_session(db), host_id=hosts[0].id, state=SeatState.GONE)
    put_seat(cluster, seat.id, "hv1")
    (stray,) = found(db, cluster)
    assert (stray.host, stray.vm_id, stray.heal) == ("hv1", seat.id, "remove it")
    report = compare(db, hypervisor=cluster.hypervisor)
    healed = healing.heal(
        db, report=report, hypervisor=cluster.hypervisor, playbooks=cluster.playbooks, now=NOW, storage_dir="/srv"
    )
    assert [one.kind for one in healed.healed] == [FindingKind.UNKNOWN_SEAT]
    assert found(db, cluster) == []
    with cluster.world.world() as world:
        assert not world.machines


def test_while_a_host_is_silent_nothing_is_removed(db: Session, cluster: Cluster, hosts: tuple[Host, Host]) -> None:
    put_seat(cluster, uuid4(), "hv1")
    cluster.world.trouble("hv2", Trouble.HOST_DOWN)
    (stray,) = found(db, cluster)
    assert stray.heal == ""


def test_a_seat_that_a_class_got_meanwhile_is_left_alone(
    db: Session, cluster: Cluster, hosts: tuple[Host, Host]
) -> None:
    lab_session = make_lab_session(db)
    seat_id = seat_id_for(lab_session.id, 1)
    put_seat(cluster, seat_id, "hv1")
    report = compare(db, hypervisor=cluster.hypervisor)
    make_seat(db, lab_session, number=1, host_id=hosts[0].id)
    healed = healing.heal(
        db, report=report, hypervisor=cluster.hypervisor, playbooks=cluster.playbooks, now=NOW, storage_dir="/srv"
    )
    assert healed.healed == ()
    with cluster.world.world() as world:
        assert str(seat_id) in world.seats
