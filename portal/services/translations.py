"""Compiles the translations where the compiled form is missing or older than what people edit."""

from __future__ import annotations

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from portal.config import ROOT

TRANSLATIONS = ROOT / "portal" / "translations"


def compile_translations(folder: Path = TRANSLATIONS) -> list[Path]:
    """Write messages.mo beside each messages.po that is newer; returns what was written.

    Each file is put in place whole: several processes may start at once. Where the program may not write (an installed
    package) the compiled files were put by who installed it.
    """
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
        target = source.with_suffix(".mo")
        is_fresh = target.exists() and target.stat().st_mtime >= source.stat().st_mtime
        if is_fresh or not os.access(source.parent, os.W_OK):
            continue
        with source.open("rb") as readable:
            catalogue = read_po(readable, locale=source.parent.parent.name)
        half = target.with_suffix(f".{os.getpid()}")
        with half.open("wb") as writable:
            write_mo(writable, catalogue)
        half.replace(target)
        written.append(target)
    return written
