"""What is missing is said before anything is made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portal.core.errors import NotAllowed
from portal.minicluster import Minicluster
from portal.minicluster.needs import missing_packages


@pytest.mark.parametrize("verb", ["up", "down", "status"])
def test_nobody_but_root_may_touch_a_minicluster(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotAllowed, match="needs root"):
        getattr(Minicluster(tmp_path / "state"), verb)()
    assert not (tmp_path / "state").exists()


def test_missing_programs_are_named_by_their_packages(tmp_path: Path) -> None:
    assert {"dnsmasq-base", "libvirt-daemon", "openssh-server"} <= set(missing_packages(path=str(tmp_path)))


def test_a_program_that_is_there_is_not_missing(tmp_path: Path) -> None:
    program = tmp_path / "dnsmasq"
    program.touch(mode=0o755)
    assert "dnsmasq-base" not in missing_packages(path=str(tmp_path))
