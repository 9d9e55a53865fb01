"""Settings: read once, and what cannot be is one sentence that names the variable."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.config import BadSetting, Settings, keep_secret_key, read_settings


def read(folder: Path, **changes: str) -> Settings:
    return read_settings({"VIVERO_VAR": str(folder), **{f"VIVERO_{name}": text for name, text in changes.items()}})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RESERVE_HOSTS", "one"),
        ("CLASS_APPROVAL_SEATS", "many"),
        ("CLASS_APPROVAL_MEMORY_GIB", "-1"),
        ("IDLE_MINUTES", "-5"),
        ("IDLE_MINUTES", ""),
        ("SIMULATOR", "perhaps"),
        ("TIMEZONE", "Europe/Malaga"),
        ("TIMEZONE", "../etc/passwd"),
        ("LOCALE", "fr"),
        ("BASE_URL", "vivero.example"),
        ("KEEP_DAYS", "15"),
        ("KEEP_DAYS_MOST", "29"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("DEPARTMENT_NETWORK", "10.77.16.0/99"),
        ("DOORS_DOMAIN", "*.hospital.example"),
        ("DOORS_DOMAIN", "http://hospital.example"),
    ],
)
def test_a_mistyped_setting_is_named(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(BadSetting, match=f"VIVERO_{name}"):
        read(tmp_path, **{name: text})


def test_settings_are_read_from_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "vivero.env").write_text("VIVERO_IDLE_MINUTES=20\nVIVERO_SIMULATOR=yes\n")
    settings = read(tmp_path, IDLE_MINUTES="30")
    assert (settings.idle_minutes, settings.simulator) == (30, True)


def test_a_secret_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _number: keep_secret_key(path), range(8)))
    assert len(keys) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(BadSetting, match="at least 32 characters"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("base_url", "domain", "at"),
    [
        ("http://127.0.0.1:8080", "", "localhost"),
        ("http://[::1]:8080", "", "localhost"),
        ("http://localhost", "", "localhost"),
        ("https://vivero.hospital.example", "", ""),
        ("https://vivero.hospital.example", "puertas.example", "puertas.example"),
    ],
)
def test_doors_are_below_localhost_or_where_it_is_said(tmp_path: Path, base_url: str, domain: str, at: str) -> None:
    assert read(tmp_path, BASE_URL=base_url, DOORS_DOMAIN=domain).doors_at == at


def test_the_portal_itself_is_never_among_the_doors(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="VIVERO_DOORS_DOMAIN"):
        read(tmp_path, BASE_URL="https://vivero.hospital.example", DOORS_DOMAIN="hospital.example")
