"""Keeps the memory of server and worker small: their threads share two pools, and what is free goes back."""

from __future__ import annotations

import ctypes
import gc
import sys

# malloc.h of the GNU C library
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
ARENAS = 2
GIVE_BACK = 256 * 1024  # bytes


def share_pools() -> bool:
    """Call it before any thread begins. True where the C library understood (mallopt(3)); elsewhere nothing changes.

    glibc gives each thread that allocates a pool of its own and seldom takes pages back from it: a server whose ten
    threads had each shown a few pages held 160 MiB of them. And it learns from each large block that was freed to keep
    the next one: a checked password takes 19 MiB for a moment, so twice as much was kept for ever.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    limits = ((M_ARENA_MAX, ARENAS), (M_MMAP_THRESHOLD, GIVE_BACK), (M_TRIM_THRESHOLD, GIVE_BACK))
    return all(mallopt(limit, value) == 1 for limit, value in limits)


def settle() -> None:
    """Call it when everything is loaded: Python's collector need not look again at what stays for ever.

    It looked at half a million objects of the libraries now and then, and all pages that were under way waited.
    """
    gc.collect()
    gc.freeze()
