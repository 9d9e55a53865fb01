"""Child processes of the demo: started with their own log, ended with it, also when it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to end this process when the demo dies, even by kill -9 (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Children:
    """The processes started so far. `stop` ends them in reverse order."""

    def __init__(self, logs: Path, environ: Mapping[str, str]) -> None:
        self.logs = logs
        self.environ = {**os.environ, **environ}
        self.running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, command: Sequence[str]) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environ,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which then ends these in order
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads run yet
            )
        self.running.append((name, process))

    def ended(self) -> str | None:
        """The name of a process that ended by itself, if any."""
        return next((name for name, process in self.running if process.poll() is not None), None)

    def tail(self, name: str, lines: int = 15) -> str:
        return "\n".join((self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])

    def stop(self, *, patience_s: float = 10.0, say: Callable[[str], None] = lambda text: None) -> None:
        for name, process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(patience_s)
            except subprocess.TimeoutExpired:
                say(f"{name} did not end in {patience_s:.0f} s and is killed")
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.running.clear()
