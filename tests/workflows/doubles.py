"""A cluster made of files, so that it outlives a worker that is killed, and counts what was made in it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from portal.core.errors import MachineMissing
from portal.interfaces import (
    DOES_NOT_ANSWER,
    HostAddress,
    MachineOutcome,
    MachineSeen,
    PlaybookLine,
    PlaybookResult,
    PlaybookRun,
    PlaybookStatus,
    Power,
)


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class FileCluster:
    """The cabinet and the machines of all hosts, as files; `made` is a log of every making."""

    folder: Path

    def disk(self, vm_id: UUID | str) -> Path:
        return self.folder / f"{vm_id}.disk"

    def domain(self, host: str, vm_id: UUID | str) -> Path:
        return self.folder / f"{host}.{vm_id}.domain"

    def slow(self, seconds: float) -> float:
        """How long a playbook takes: what another process wrote down counts more."""
        told = self.folder / "slow"
        return float(told.read_text() or seconds) if told.exists() else seconds

    def made(self) -> list[str]:
        log = self.folder / "made.log"
        return log.read_text().split() if log.exists() else []

    def note(self, what: str) -> None:
        with (self.folder / "made.log").open("a") as log:
            log.write(f"{what}\n")

    def clone(self, host: str, order: Mapping[str, Any]) -> bool:
        """Look, then act: True if anything was made."""
        changed = False
        for path, what in (
            (self.disk(order["vm_id"]), "disk"),
            (self.domain(host, order["vm_id"]), "domain"),
        ):
            if not path.exists():
                path.write_text(json.dumps(order["name"]))
                self.note(f"{what}:{order['vm_id']}")
                changed = True
        return changed

    def retire(self, host: str, vm_id: str) -> bool:
        found = [path for path in (self.disk(vm_id), self.domain(host, vm_id)) if path.exists()]
        for path in found:
            path.unlink()
        return bool(found)

    def admits(self, vm_id: str, token: int) -> bool:
        """Hosts refuse whoever comes with a lower fencing number than they have seen."""
        path = self.folder / f"{vm_id}.fence"
        if path.exists() and int(path.read_text()) > token:
            return False
        path.write_text(str(token))
        return True

    def disks(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.disk"))

    def domains(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.domain"))


@dataclass
class FilePlaybooks:
    """Plays clone_vms and retire_vms over a FileCluster. `trouble` maps a machine's name to what goes wrong."""

    cluster: FileCluster
    trouble: dict[str, str] = field(default_factory=dict)
    slow_s: float = 0.0
    runs: list[PlaybookRun] = field(default_factory=list)
    raising: list[Exception] = field(default_factory=list)
    watch: Callable[[], None] = lambda: None
    down: set[str] = field(default_factory=set)  # hosts that do not answer
    switching: set[str] = field(default_factory=set)  # machines that are off: making them again starts them

    def run(
        self,
        run: PlaybookRun,
        *,
        on_line: Callable[[PlaybookLine], None] = lambda line: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> PlaybookResult:
        self.runs.append(run)
        if self.raising:
            raise self.raising.pop(0)
        begun = time.monotonic()
        while time.monotonic() - begun < self.cluster.slow(self.slow_s):
            if cancelled():
                return PlaybookResult(PlaybookStatus.CANCELLED, {}, {})
            time.sleep(0.02)
        machines: dict[UUID, MachineOutcome] = {}
        for host in [host for host in run.hosts if host.name not in self.down]:
            for order in run.host_variables[host.name][f"{run.playbook}_machines"]:  # type: ignore[union-attr]
                outcome = machines[UUID(order["vm_id"])] = self.fenced_play(run, host.name, order)  # type: ignore
                if outcome.ok and "name" in order:  # type: ignore[operator]
                    on_line(PlaybookLine(clock(), host.name, f"{order['name']} – made"))  # type: ignore[call-overload,index]
                self.watch()
            on_line(PlaybookLine(clock(), host.name, f"{host.name}: {run.playbook} – done"))
            self.watch()
        failed = not all(outcome.ok for outcome in machines.values())
        silent = {host.name: DOES_NOT_ANSWER for host in run.hosts if host.name in self.down}
        status = PlaybookStatus.FAILED if failed or silent else PlaybookStatus.SUCCEEDED
        return PlaybookResult(status, machines, silent)

    def close(self) -> None:
        """Nothing is kept open."""

    def fenced_play(self, run: PlaybookRun, host: str, order: Mapping[str, Any]) -> MachineOutcome:
        fencing: Any = run.variables["fencing"]
        if not self.cluster.admits(order["vm_id"], fencing[order["vm_id"]]["token"]):
            return MachineOutcome(ok=False, changed=False, message="fenced")
        return self.play(run.playbook, host, order)

    def play(self, playbook: str, host: str, order: Mapping[str, Any]) -> MachineOutcome:
        if playbook == "retire_vms":
            return MachineOutcome(ok=True, changed=self.cluster.retire(host, order["vm_id"]))
        if order["name"] in self.trouble:
            return MachineOutcome(ok=False, changed=False, message=self.trouble[order["name"]])
        self.switching.discard(order["name"])
        return MachineOutcome(ok=True, changed=self.cluster.clone(host, order))


@dataclass
class FileHypervisor:
    """Sees the machines of a FileCluster; all serve at once except those in `silent`."""

    cluster: FileCluster
    silent: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    unfit: set[str] = field(default_factory=set)  # their first boot fails

    def machines(self, host: HostAddress) -> list[MachineSeen]:
        ids = [UUID(path.name.split(".")[1]) for path in self.cluster.folder.glob(f"{host.name}.*.domain")]
        return [self.machine(host, vm_id) for vm_id in ids]

    def machine(self, host: HostAddress, vm_id: UUID) -> MachineSeen:
        name = self.name_of(host, vm_id)
        power = Power.CRASHED if name in self.stopped else Power.RUNNING
        return MachineSeen(vm_id, name, power, 1, 128, ours=True)

    def name_of(self, host: HostAddress, vm_id: UUID) -> str:
        path = self.cluster.domain(host.name, vm_id)
        if not path.exists():
            raise MachineMissing("no such machine")
        return str(json.loads(path.read_text()))

    def agent_answers(self, host: HostAddress, vm_id: UUID) -> bool:
        return self.name_of(host, vm_id) not in self.silent | self.stopped

    def serial_log(self, host: HostAddress, vm_id: UUID) -> str:
        name = self.name_of(host, vm_id)
        if name in self.unfit:
            return f"vivero preparing {name}\r\nvivero failed 50-moodle\r\n"
        return "booting" if name in self.silent | self.stopped else f"booting\r\nvivero ready {name}\r\n"

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody should ask for {name}")


class NoNetwork:
    def tcp_open(self, address: str, port: int, *, timeout_s: float = 1.0) -> bool:
        return True


class NoDoors:
    """Nobody in these tests opens one."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody should ask for {name}")


def die_at(place: str, marker: Path) -> Callable[[str], None]:
    """A checkpoint that kills the whole process with -9 at one place, once."""

    def checkpoint(here: str) -> None:
        if here == place and not marker.exists():
            marker.write_text(here)
            os.kill(os.getpid(), 9)

    return checkpoint
