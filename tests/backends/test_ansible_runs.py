"""What a worker that is killed leaves of its playbooks: nothing that runs on, and no secret in memory."""

from __future__ import annotations

import json
import multiprocessing
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.backends.ansible_runs import RunFolders
from portal.backends.playbooks_ansible import AnsiblePlaybooks
from portal.config import ROOT
from portal.interfaces import HostAddress, PlaybookRun

processes = multiprocessing.get_context("fork")
HERE = HostAddress("here", "127.0.0.1")


def commands_with(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found


def wait_for(what: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def slow_runner(folder: Path, mark: str) -> AnsiblePlaybooks:
    """Its playbook `slow` runs a program that knows `mark` and does not end."""
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{"command": f"sleep 300.{mark}"}]}]
    (folder / "slow.yml").write_text(json.dumps(play))
    (folder / "ansible.cfg").touch()
    (folder / "bin").symlink_to(ROOT / "playbooks" / "bin")
    return AnsiblePlaybooks(playbooks_dir=folder, ssh_key=folder / "key", known_hosts=folder / "known")


def run_slowly(folder: Path, mark: str) -> None:
    run = PlaybookRun("slow", (HERE,), host_variables={"here": {"ansible_connection": "local"}})
    slow_runner(folder, mark).run(run)


def test_a_playbook_ends_with_the_worker_that_is_killed(tmp_path: Path) -> None:
    mark = str(secrets.randbelow(10**12))
    worker = processes.Process(target=run_slowly, args=(tmp_path, mark))
    worker.start()
    wait_for(lambda: bool(commands_with(f"sleep 300.{mark}")))
    worker.kill()
    worker.join()
    wait_for(lambda: not commands_with(f"sleep 300.{mark}"))
    RunFolders().close()  # the next worker removes the folder


def test_a_cancelled_playbook_leaves_nothing_that_runs(tmp_path: Path) -> None:
    mark = str(secrets.randbelow(10**12))
    runner = slow_runner(tmp_path, mark)
    run = PlaybookRun("slow", (HERE,), host_variables={"here": {"ansible_connection": "local"}})
    runner.run(run, cancelled=lambda: bool(commands_with(f"sleep 300.{mark}")))
    runner.close()
    wait_for(lambda: not commands_with(f"sleep 300.{mark}"))


def leave_a_secret(root: Path) -> None:
    with RunFolders(root).new() as folder:
        (folder / "extravars").write_text("a secret")
        os.kill(os.getpid(), 9)


def test_what_a_killed_worker_left_in_memory_is_removed_by_the_next_and_the_livings_stays(tmp_path: Path) -> None:
    living = RunFolders(tmp_path)
    killed = processes.Process(target=leave_a_secret, args=(tmp_path,))
    killed.start()
    killed.join()
    assert list(tmp_path.rglob("extravars")) != []
    RunFolders(tmp_path).close()
    assert list(tmp_path.rglob("extravars")) == []
    assert living.folder.is_dir()
    living.close()
    assert list(tmp_path.iterdir()) == []


class DatabaseAway(Exception):
    """What a look at the database may raise."""


def test_trouble_of_whoever_is_asked_to_stop_is_not_taken_for_ansibles(tmp_path: Path) -> None:
    def ask() -> bool:
        raise DatabaseAway

    runner = slow_runner(tmp_path, "1")
    run = PlaybookRun("slow", (HERE,), host_variables={"here": {"ansible_connection": "local"}})
    with pytest.raises(DatabaseAway):
        runner.run(run, cancelled=ask)
    runner.close()
