"""The pools of memory are shared where the C library can; the bench shows what that is worth."""

from __future__ import annotations

import platform
import subprocess
import sys

from portal.config import ROOT


def test_the_c_library_takes_the_setting() -> None:
    program = "from portal.memory import share_pools; print(share_pools())"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(platform.libc_ver()[0] == "glibc")
