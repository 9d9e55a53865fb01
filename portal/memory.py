"""Keeps the memory of server and worker small: their threads share two pools instead of having one each."""

from __future__ import annotations

import ctypes
import sys

M_ARENA_MAX = -8  # malloc.h of the GNU C library
ARENAS = 2


def share_pools() -> bool:
    """Call it before any thread begins. True where the C library understood (mallopt(3)); elsewhere nothing changes.

    glibc gives each thread that allocates a pool of its own and seldom takes pages back from it: a server whose ten
    threads had each shown a few pages held 160 MiB of them.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1
