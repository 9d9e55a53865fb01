"""Runs playbooks with ansible-runner: private files in memory, one kept SSH connection a host, readable lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import ansible_runner

from portal.backends.ansible_files import SshWay, inventory_yaml, variables_yaml, write_private
from portal.backends.ansible_lines import EventReader
from portal.backends.ansible_runs import RunFolders, end_processes
from portal.backends.ssh_early import opened_early
from portal.core.errors import N_, OutsideUnavailable
from portal.interfaces import PlaybookLine, PlaybookResult, PlaybookRun, PlaybookStatus

POLL_S = 0.5
FORKS = 30
STATUSES = {
    "successful": PlaybookStatus.SUCCEEDED,
    "failed": PlaybookStatus.FAILED,
    "canceled": PlaybookStatus.CANCELLED,
    "timeout": PlaybookStatus.TIMED_OUT,
}


@dataclass(eq=False)
class AnsiblePlaybooks:
    """PlaybookRunner with ansible-core of this virtual environment. Safe from several threads."""

    playbooks_dir: Path
    ssh_key: Path
    known_hosts: Path
    control_dir: Path = field(init=False)
    folders: RunFolders = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.folders = RunFolders()
        self.control_dir = self.folders.folder / "ssh"  # unix socket paths may have 107 bytes only
        self.control_dir.mkdir(mode=0o700)

    def close(self) -> None:
        self.folders.close()

    def run(
        self,
        run: PlaybookRun,
        *,
        on_line: Callable[[PlaybookLine], None] = lambda line: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> PlaybookResult:
        playbook = self.playbooks_dir / f"{run.playbook}.yml"
        if not playbook.is_file():
            raise OutsideUnavailable(N_("The playbook %(name)s is not installed."), name=run.playbook)
        with self.folders.new() as folder:
            return self.run_in(folder, playbook, run, Watcher(EventReader(run, on_line), cancelled))

    def run_in(self, folder: Path, playbook: Path, run: PlaybookRun, watcher: Watcher) -> PlaybookResult:
        ssh = SshWay(self.ssh_key, self.known_hosts, self.control_dir)
        write_private(folder / "hosts.yml", inventory_yaml(run, ssh))
        (folder / "env").mkdir(mode=0o700)
        write_private(folder / "env" / "extravars", variables_yaml(run))  # ansible-runner looks for it there
        try:
            with opened_early(run, ssh):
                ended = ansible_runner.run(
                    private_data_dir=str(folder),
                    playbook=str(playbook),
                    inventory=str(folder / "hosts.yml"),
                    envvars=self.environment(ssh),
                    settings={"pexpect_timeout": POLL_S, "suppress_output_file": True},
                    timeout=run.timeout_s,
                    forks=max(1, min(FORKS, len(run.hosts))),
                    event_handler=watcher.event,
                    cancel_callback=watcher.stop,
                    quiet=True,
                )
        except (OSError, ansible_runner.exceptions.AnsibleRunnerException) as error:
            raise OutsideUnavailable(N_("Ansible could not be started: %(reason)s"), reason=str(error)) from error
        if ended.status != "successful":
            end_processes(folder)  # ansible-runner ends the program, not the branches that it made for its hosts
        if watcher.trouble is not None:
            raise watcher.trouble
        return result_of(ended.status, watcher.reader)

    def environment(self, ssh: SshWay) -> dict[str, str]:
        """Nothing of the administrator's own settings decides how we run."""
        programs = Path(sys.executable).parent
        return {
            "PATH": os.pathsep.join(
                [f"{self.playbooks_dir / 'bin'}", f"{programs}", os.environ.get("PATH", os.defpath)]
            ),
            "VIVERO_ANSIBLE": str(programs),
            "ANSIBLE_CONFIG": str(self.playbooks_dir / "ansible.cfg"),
            "ANSIBLE_MODULE_UTILS": str(self.playbooks_dir / "module_utils"),
            "ANSIBLE_LIBRARY": str(self.playbooks_dir / "library"),
            "ANSIBLE_ROLES_PATH": str(self.playbooks_dir / "roles"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.playbooks_dir),
            "ANSIBLE_INVENTORY_ENABLED": "yaml",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_SSH_ARGS": " ".join(ssh.arguments()),
            "ANSIBLE_SSH_CONTROL_PATH": ssh.control_path,
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(ssh.control_dir),
            "ANSIBLE_HOST_KEY_CHECKING": "true",
            "ANSIBLE_GATHERING": "explicit",
            "ANSIBLE_RETRY_FILES_ENABLED": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "LC_ALL": "C.UTF-8",
        }


@dataclass
class Watcher:
    """Hands events on, and stops the run when asked or when a line could not be handed on."""

    reader: EventReader
    cancelled: Callable[[], bool]
    trouble: BaseException | None = None

    def event(self, event: dict[str, object]) -> bool:
        if self.trouble is None:
            try:
                self.reader.read(event)
            except BaseException as error:  # noqa: BLE001 - raised again by the caller once the run has ended
                self.trouble = error
        return False  # ansible-runner need not keep the event's file

    def stop(self) -> bool:
        """Whoever is asked may be away, as the database; ansible-runner would say that Ansible could not start."""
        try:
            return self.trouble is not None or self.cancelled()
        except BaseException as error:  # noqa: BLE001 - as above
            self.trouble = error
            return True


def result_of(status: str, reader: EventReader) -> PlaybookResult:
    failed = dict(reader.hosts_failed)
    known = STATUSES.get(status)
    if known is None or (known == PlaybookStatus.FAILED and not failed):
        reason = reader.masked(" ".join(reader.other_output)[-500:]) or status
        reader.say("", reason, failed=True)
        known = PlaybookStatus.FAILED
    return PlaybookResult(known, dict(reader.machines), failed)
