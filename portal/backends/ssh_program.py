"""The SSH program as libvirt is to call it: our known hosts only, never a question, an end when the host is silent."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import weakref
from pathlib import Path

from portal.core.errors import N_, OutsideUnavailable

OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "IdentitiesOnly": "yes",
    "PreferredAuthentications": "publickey",
    "ConnectTimeout": "8",
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3",
    "ControlPath": "none",
}


class SshProgram:
    """libvirt takes the name of a program, but no options for it; so a small one of our own has them inside."""

    def __init__(self, known_hosts: Path) -> None:
        ssh = shutil.which("ssh")
        if ssh is None:
            raise OutsideUnavailable(N_("The program ssh is not installed."))
        options = {**OPTIONS, "UserKnownHostsFile": str(known_hosts)}
        words = [
            ssh,
            "-F",
            "/dev/null",
            *(word for name, value in options.items() for word in ("-o", f"{name}={value}")),
        ]
        folder = Path(tempfile.mkdtemp(prefix="vivero-libvirt-"))
        self.close = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)  # at the latest at our end
        self.program = folder / "ssh"
        self.program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        self.program.chmod(0o700)
