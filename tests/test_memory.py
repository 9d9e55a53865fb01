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


def test_what_stays_for_ever_is_not_looked_at_again() -> None:
    program = "import gc, portal.memory as m; m.settle(); print(gc.get_freeze_count() > 1000, len(gc.get_objects()))"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    frozen, left = said.split()
    assert frozen == "True"
    assert int(left) < 100
