"""What Ansible says, turned into lines and outcomes that people and steps can use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from portal.interfaces import DOES_NOT_ANSWER, Json, MachineOutcome, PlaybookLine, PlaybookRun

LONGEST = 1000
MASK = "••••"
SILENT_MODULES = {"debug", "meta", "include_tasks", "import_tasks"}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class EventReader:
    """Collects one run. `read` takes ansible-runner's events as they come."""

    run: PlaybookRun
    on_line: Callable[[PlaybookLine], None]
    clock: Callable[[], datetime] = now
    machines: dict[UUID, MachineOutcome] = field(default_factory=dict)
    hosts_failed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = dict(names_of(self.run))
        self.secrets = sorted(set(texts_in(self.run.secrets)), key=len, reverse=True)
        self.other_output: list[str] = []

    def read(self, event: Mapping[str, Any]) -> None:
        data = event.get("event_data") or {}
        readers = {
            "playbook_on_task_start": self.task_begun,
            "runner_on_ok": self.host_done,
            "runner_on_failed": self.host_failed,
            "runner_on_unreachable": self.host_unreachable,
        }
        if reader := readers.get(str(event.get("event"))):
            reader(data)
        elif event.get("event") in {"verbose", "error"} and (output := str(event.get("stdout") or "").strip()):
            self.other_output = [*self.other_output, output][-20:]

    def task_begun(self, data: Mapping[str, Any]) -> None:
        self.say("", f"{data.get('task', '')} …")

    def host_done(self, data: Mapping[str, Any]) -> None:
        host, result = str(data.get("host", "")), data.get("res") or {}
        outcomes = list(outcomes_in(result, self.masked))
        for vm_id, outcome in outcomes:
            self.machines[vm_id] = outcome
            self.say(host, f"{self.names.get(vm_id, vm_id)} – {outcome.message}", failed=not outcome.ok)
        if not outcomes and data.get("task_action") not in SILENT_MODULES:
            self.say(host, f"{data.get('task', '')} – {'changed' if result.get('changed') else 'as it should be'}")

    def host_failed(self, data: Mapping[str, Any]) -> None:
        host, reason = str(data.get("host", "")), reason_in(data.get("res") or {})
        self.machines.update(outcomes_in(data.get("res") or {}, self.masked))
        if not data.get("ignore_errors"):
            self.hosts_failed[host] = self.masked(reason)
        self.say(host, f"{data.get('task', '')} – {reason}", failed=True)

    def host_unreachable(self, data: Mapping[str, Any]) -> None:
        host, reason = str(data.get("host", "")), f"{DOES_NOT_ANSWER}: {reason_in(data.get('res') or {})}"
        self.hosts_failed[host] = self.masked(reason)
        self.say(host, reason, failed=True)

    def say(self, host: str, text: str, *, failed: bool = False) -> None:
        self.on_line(PlaybookLine(self.clock(), host, self.masked(text), failed))

    def masked(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text[:LONGEST]


def outcomes_in(result: Mapping[str, Any], masked: Callable[[str], str]) -> Iterator[tuple[UUID, MachineOutcome]]:
    """What our modules say: {"machines": [{"vm_id", "ok", "changed", "message"}]}. Ids that are none are left out."""
    machines = result.get("machines")
    for machine in machines if isinstance(machines, list) else []:
        try:
            vm_id = UUID(str(machine["vm_id"]))
        except (ValueError, KeyError, TypeError):
            continue
        message = masked(str(machine.get("message", "")))
        yield vm_id, MachineOutcome(bool(machine.get("ok")), bool(machine.get("changed")), message)


def reason_in(result: Mapping[str, Any]) -> str:
    """The shortest text that says what happened: the module's message, else the last line of its error output.

    Of a loop, that of the first item that failed: Ansible itself says only that one did.
    """
    items = result.get("results")
    failed = (
        [item for item in items if isinstance(item, Mapping) and item.get("failed")] if isinstance(items, list) else []
    )
    if failed:
        return reason_in({key: value for key, value in failed[0].items() if key != "results"})
    last_words = str(result.get("module_stderr") or result.get("stderr") or "").strip().splitlines()
    message = str(result.get("msg") or "").strip()
    # of a command that failed, Ansible's own message says only that it did
    if last_words and ("MODULE FAILURE" in message or message in {"", "non-zero return code"}):
        message = last_words[-1]
    return " ".join(message.split())[:LONGEST] or "no reason was given"


def names_of(run: PlaybookRun) -> Iterator[tuple[UUID, str]]:
    for variables in run.host_variables.values():
        for value in variables.values():
            for order in value if isinstance(value, Sequence) and not isinstance(value, str) else ():
                if isinstance(order, Mapping) and "vm_id" in order and "name" in order:
                    yield UUID(str(order["vm_id"])), str(order["name"])
                elif isinstance(order, Mapping) and "seat_id" in order and "label" in order:
                    yield UUID(str(order["seat_id"])), str(order["label"])


def texts_in(value: Json) -> Iterator[str]:
    """Every text in a value, however deep; keys are no secrets."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from texts_in(item)
