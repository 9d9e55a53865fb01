"""What the browser gets that is not ours: exactly what the manifest says, and from nowhere else."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from portal.config import ROOT

STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
ELSEWHERE = re.compile(r"""(?:src|href|url|import|from|fetch)\s*[=(]?\s*["'(](?:https?:)?//""")


def manifest() -> dict[str, str]:
    lines = (VENDOR / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def test_vendored_files_are_what_the_manifest_says() -> None:
    files = [path for path in VENDOR.rglob("*") if path.is_file() and path.name != "SHA256SUMS"]
    found = {str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert found == manifest()


def test_the_lock_file_holds_every_version_and_names_no_registry() -> None:
    wanted = json.loads((STATIC / "package.json").read_text())
    lock = json.loads((STATIC / "package-lock.json").read_text())
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert not any("resolved" in package for package in lock["packages"].values())
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_our_own_scripts_styles_and_pages_take_nothing_from_elsewhere() -> None:
    own: list[Path] = [*STATIC.glob("*.js"), *STATIC.glob("*.css"), *(ROOT / "portal/web/pages").rglob("*.html")]
    assert [str(path) for path in own if ELSEWHERE.search(path.read_text())] == []
