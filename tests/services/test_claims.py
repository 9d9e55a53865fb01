"""Claims: held at submission, on a host once placed, never more than a host carries."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from portal.core.errors import NoCapacity
from portal.core.lifecycle import HostState
from portal.core.quota import Amount
from portal.models import Claim, Host, VmRequest
from portal.services import capacity, claims
from tests.factories import make_host, make_vm_request
from tests.factories.moments import NOW


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


def three_hosts(db: Session, **changes: object) -> list[Host]:
    return [make_host(db, f"hv{number}", **changes) for number in (1, 2, 3)]


def claim_count(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(Claim)) or 0


def test_holding_twice_claims_once(db: Session) -> None:
    vm_request = make_vm_request(db, copies=3)
    claims.hold(db, vm_request, NOW)
    claims.hold(db, vm_request, NOW)
    assert claim_count(db) == 3


def test_fewer_copies_and_a_smaller_size_hold_less(db: Session) -> None:
    vm_request = make_vm_request(db, copies=3, claimed=True)
    vm_request.copies, vm_request.memory_mib = 2, 512
    claims.hold(db, vm_request, NOW)
    assert capacity.claimed_by_host(db) == {None: Amount(2, 2, 1024, 20)}


def test_placed_machines_are_spread_and_stay_where_they_are(db: Session) -> None:
    three_hosts(db)
    vm_request = make_vm_request(db, copies=6, claimed=True)
    first = {vm_id: host.name for vm_id, host in claims.place(db, vm_request, NOW).items()}
    again = {vm_id: host.name for vm_id, host in claims.place(db, vm_request, NOW).items()}
    assert first == again
    assert Counter(first.values()) == {"hv1": 2, "hv2": 2, "hv3": 2}


def test_draining_hosts_and_hosts_in_trouble_are_left_out(db: Session) -> None:
    hosts = three_hosts(db)
    hosts[0].state, hosts[1].trouble = HostState.DRAINING, "no answer"
    placed = claims.place(db, make_vm_request(db, copies=2, claimed=True), NOW)
    assert {host.name for host in placed.values()} == {"hv3"}


def test_a_full_cluster_places_nothing_of_a_request(db: Session) -> None:
    three_hosts(db)
    vm_request = make_vm_request(db, copies=30, memory_mib=2048, claimed=True)
    with pytest.raises(NoCapacity):
        claims.place(db, vm_request, NOW)
    assert set(db.scalars(select(Claim.host_id))) == {None}


def test_what_is_released_is_free_again(db: Session) -> None:
    three_hosts(db)
    vm_request = make_vm_request(db, copies=2, claimed=True)
    placed = claims.place(db, vm_request, NOW)
    claims.release(db, list(placed)[:1])
    assert claim_count(db) == 1
    claims.release_request(db, vm_request)
    assert claim_count(db) == 0


def test_the_cluster_says_what_is_free_beside_the_reserve(db: Session) -> None:
    three_hosts(db)
    claims.place(db, make_vm_request(db, copies=2, claimed=True), NOW)
    make_vm_request(db, copies=1, claimed=True)
    seen = capacity.cluster(db)
    gib = 1024
    assert seen.total == Amount(0, 3 * 32, 3 * 16 * gib, 1000)
    assert seen.claimed == Amount(3, 3, 3 * gib, 30)
    assert seen.free_with_reserve == Amount(0, 2 * 32 - 3, 2 * 16 * gib - 3 * gib, 970)
    assert [(load.host.name, load.vms) for load in seen.hosts] == [("hv1", 1), ("hv2", 1), ("hv3", 0)]
    assert seen.fits(Amount(1, 61, gib, 10))
    assert not seen.fits(Amount(1, 62, gib, 10))


def test_placing_at_the_same_time_never_goes_above_a_limit(
    write_sessions: sessionmaker[Session], sessions: sessionmaker[Session]
) -> None:
    with write_sessions.begin() as db:
        three_hosts(db, memory_mib=4 * 1024 + 512)  # eight machines fit beside the reserve
        ids = [make_vm_request(db, claimed=True).id for _ in range(12)]

    def place(vm_request_id: UUID) -> bool:
        try:
            with write_sessions.begin() as db:
                claims.place(db, db.get_one(VmRequest, vm_request_id), NOW)
        except NoCapacity:
            return False
        return True

    with ThreadPoolExecutor(12) as threads:
        assert Counter(threads.map(place, ids)) == {True: 8, False: 4}
    with sessions() as db:
        on_hosts = capacity.claimed_by_host(db)
    assert all(amount.machines <= 4 for host, amount in on_hosts.items() if host is not None)
