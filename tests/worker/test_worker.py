"""The worker with the real engine: work is done, once, whatever happens to its process."""

from __future__ import annotations

from portal.core.lifecycle import VmRequestState
from tests.worker.hospital import Hospital


def test_a_worker_carries_a_request_to_running_machines(hospital: Hospital) -> None:
    site = hospital.build()
    vm_request_id = hospital.order(site, copies=3)
    assert hospital.work() == 0
    assert hospital.state_of(site, vm_request_id) == VmRequestState.FULFILLED
    assert len(hospital.cluster.domains()) == 3
