"""What the cluster can still carry, by the same count that places machines."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.lifecycle import HostState
from portal.models import Claim
from portal.services import capacity
from tests.factories import make_host, make_vm_request


def test_what_is_claimed_on_a_host_in_maintenance_takes_nothing_from_the_others(db: Session) -> None:
    make_host(db, "hv1")
    make_host(db, "hv2")
    resting = make_host(db, "hv3", state=HostState.MAINTENANCE)
    before = capacity.cluster(db)
    make_vm_request(db, copies=3, claimed=True)
    for claim in db.scalars(select(Claim)):
        claim.host_id = resting.id
    db.flush()
    after = capacity.cluster(db)
    assert (after.free.memory_mib, after.free.vcpus) == (before.free.memory_mib, before.free.vcpus)
    assert after.free_with_reserve.memory_mib == before.free_with_reserve.memory_mib
    assert after.free.disk_gib == before.free.disk_gib - 30, "the cabinet is the same for all"


def test_what_has_no_host_yet_is_counted(db: Session) -> None:
    make_host(db, "hv1")
    before = capacity.cluster(db).free
    make_vm_request(db, copies=3, claimed=True)
    assert capacity.cluster(db).free.memory_mib == before.memory_mib - 3 * 1024
