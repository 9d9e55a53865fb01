"""Prove by booting whether this host can run guests with KVM; print or write the answer as JSON.

`/dev/kvm` may exist and not work (nested virtualisation: the guest hangs at 100 % CPU). The probe is a boot sector
that writes one byte to QEMU's exit port; only a guest that really ran can do that within three seconds.
Run on the host by /usr/bin/python3, with `--write <path>` to keep the answer; standard library only.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

QEMU = "qemu-system-x86_64"
PROBE_S = 3.0
EXIT_PORT = 0xF4
ANSWER = 0x15
EXIT_CODE = ANSWER << 1 | 1
# mov al, ANSWER; mov dx, EXIT_PORT; out dx, al; hlt; jmp back to hlt
CODE = bytes([0xB0, ANSWER, 0xBA, EXIT_PORT, 0x00, 0xEE, 0xF4, 0xEB, 0xFD])
BOOT_SECTOR = CODE.ljust(510, b"\0") + b"\x55\xaa"


def kvm_works() -> bool:
    """Boot the sector under KVM. No device, no answer or a hanging guest all mean no."""
    if not Path("/dev/kvm").exists():
        return False
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.write(BOOT_SECTOR.ljust(65536, b"\0"))
        disk.flush()
        command = [QEMU, "-accel", "kvm", "-cpu", "host", "-m", "16", "-nodefaults", "-display", "none"]
        command += ["-drive", f"file={disk.name},format=raw,if=ide", "-boot", "c", "-net", "none"]
        command += ["-device", f"isa-debug-exit,iobase={EXIT_PORT},iosize=1"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=PROBE_S, check=False)
        except (subprocess.TimeoutExpired, FileNotFoundError):
            return False
        return done.returncode == EXIT_CODE


def processor() -> str:
    """The processor's own name for the host page."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return " ".join(line.split(":", 1)[1].split())
    return "unknown"


def main() -> None:
    text = json.dumps({"accelerator": "kvm" if kvm_works() else "qemu", "cpu_model": processor()}) + "\n"
    if sys.argv[1:2] != ["--write"]:
        print(text, end="")  # noqa: T201 - the answer
        return
    path = Path(sys.argv[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        print("changed")  # noqa: T201 - the playbook's changed_when reads it


if __name__ == "__main__":
    main()
