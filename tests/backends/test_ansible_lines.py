"""What Ansible says becomes readable lines and outcomes, without secrets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from portal.backends.ansible_lines import EventReader, reason_in
from portal.interfaces import HostAddress, MachineOutcome, PlaybookLine, PlaybookRun

VM_ID = UUID("4f0c2e16-3f2f-4b5d-9a3b-6e6c1d2e3f40")
RUN = PlaybookRun(
    "clone_vms",
    (HostAddress("hv1", "10.77.0.11"),),
    host_variables={"hv1": {"clone_vms_machines": [{"vm_id": str(VM_ID), "name": "wiki"}]}},
    secrets={"clone_vms_secrets": {str(VM_ID): {"password": "geheim"}}},
)


@pytest.fixture
def lines() -> list[PlaybookLine]:
    return []


@pytest.fixture
def reader(lines: list[PlaybookLine]) -> EventReader:
    return EventReader(RUN, lines.append)


def event(name: str, **data: Any) -> dict[str, Any]:
    return {"event": name, "event_data": {"host": "hv1", "task": "Make the disks", **data}}


def answer(**machine: Any) -> dict[str, Any]:
    return {"machines": [{"vm_id": str(VM_ID), "ok": True, "changed": True, "message": "started", **machine}]}


def test_machines_are_gathered_and_called_by_name(reader: EventReader, lines: list[PlaybookLine]) -> None:
    reader.read(event("runner_on_ok", res=answer()))
    assert reader.machines == {VM_ID: MachineOutcome(ok=True, changed=True, message="started")}
    assert [(line.host, line.text, line.failed) for line in lines] == [("hv1", "wiki – started", False)]


def test_a_failed_machine_is_a_failed_line(reader: EventReader, lines: list[PlaybookLine]) -> None:
    reader.read(event("runner_on_ok", res=answer(ok=False, message="no space")))
    assert lines[0].failed


def test_secrets_are_masked_everywhere(reader: EventReader, lines: list[PlaybookLine]) -> None:
    reader.read(event("runner_on_ok", res=answer(message="cannot write geheim")))
    reader.read(event("runner_on_failed", res={"msg": "bad geheim"}))
    said = " ".join([line.text for line in lines] + [o.message for o in reader.machines.values()])
    assert "geheim" not in said + str(reader.hosts_failed)
    assert "•" in said


def test_a_host_that_cannot_be_reached_is_named_with_its_reason(reader: EventReader) -> None:
    reader.read(event("runner_on_unreachable", res={"msg": "Connection\n timed out"}))
    assert reader.hosts_failed == {"hv1": "does not answer: Connection timed out"}


def test_a_module_that_crashed_says_its_last_words(reader: EventReader) -> None:
    result = {"msg": "MODULE FAILURE: see stdout", "module_stderr": "Traceback\n  File\nImportError: no libvirt"}
    reader.read(event("runner_on_failed", res=result))
    assert reader.hosts_failed == {"hv1": "ImportError: no libvirt"}


def test_a_loop_says_which_of_its_items_failed() -> None:
    items = [{"msg": "fine"}, {"failed": True, "msg": "non-zero return code", "stderr": "cp: no space left\n"}]
    assert reason_in({"msg": "One or more items failed", "results": items}) == "cp: no space left"


def test_an_ignored_failure_is_told_but_does_not_fail_the_host(reader: EventReader, lines: list[PlaybookLine]) -> None:
    reader.read(event("runner_on_failed", res={"msg": "no matter"}, ignore_errors=True))
    assert reader.hosts_failed == {}
    assert lines[0].failed


@pytest.mark.parametrize("machines", [None, "x", [{}], [{"vm_id": 5}], [{"vm_id": "x"}], [None]])
def test_nonsense_from_a_module_is_left_out(reader: EventReader, machines: object) -> None:
    reader.read(event("runner_on_ok", res={"machines": machines}))
    assert reader.machines == {}
