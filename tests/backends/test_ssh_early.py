"""Connections are opened beside Ansible's start, and only to hosts that are reached by SSH."""

from __future__ import annotations

from pathlib import Path

from portal.backends.ansible_files import SshWay
from portal.backends.ssh_early import is_local, knock_command, opened_early
from portal.interfaces import HostAddress, PlaybookRun

HV1 = HostAddress("hv1", "192.0.2.1", port=2222, user="vivero")


def way(folder: Path) -> SshWay:
    return SshWay(key=folder / "key", known_hosts=folder / "known_hosts", control_dir=folder)


def test_the_early_connection_is_the_one_that_ansible_looks_for(tmp_path: Path) -> None:
    command = knock_command(HV1, way(tmp_path))
    assert f"ControlPath={tmp_path}/%C" in command
    assert command[-2:] == ["vivero@192.0.2.1", "true"]
    assert command[command.index("-p") + 1] == "2222"


def test_a_play_on_this_machine_opens_no_connection() -> None:
    run = PlaybookRun("build_template", (HV1,), host_variables={"hv1": {"ansible_connection": "local"}})
    assert is_local(run, HV1)
    assert not is_local(PlaybookRun("clone_vms", (HV1,)), HV1)


def test_a_host_that_refuses_leaves_nothing_behind(tmp_path: Path) -> None:
    nobody = HostAddress("hv9", "127.0.0.1", port=1)
    with opened_early(PlaybookRun("clone_vms", (nobody,)), way(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []
