"""Weighing seats: the kernel's merging is put back as it was, whatever happens; sums; and why there is no figure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portal.bench.ksm import EAGER, Merged, is_mergeable, merging, wait_until_merged
from portal.bench.seat_weights import SeatWeights, weights_table
from portal.core.errors import OutsideUnavailable

BEFORE = {"pages_to_scan": "100\n", "sleep_millisecs": "20\n", "run": "0\n"}


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    for name, value in {**BEFORE, "pages_sharing": "512\n", "full_scans": "7\n"}.items():
        (tmp_path / name).write_text(value)
    return tmp_path


def settings(kernel: Path) -> dict[str, str]:
    return {name: (kernel / name).read_text() for name in BEFORE}


def test_the_kernels_settings_are_put_back(kernel: Path) -> None:
    with merging(kernel):
        assert settings(kernel) == EAGER
    assert settings(kernel) == BEFORE


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_kernels_settings_are_put_back_whatever_happens(kernel: Path, trouble: type[BaseException]) -> None:
    with pytest.raises(trouble), merging(kernel):
        raise trouble
    assert settings(kernel) == BEFORE


def test_a_kernel_without_merging_or_that_refuses_says_why(tmp_path: Path, kernel: Path) -> None:
    with pytest.raises(OutsideUnavailable, match="No such file"), merging(tmp_path / "nothing"):
        pass
    (kernel / "run").unlink()
    (kernel / "run").mkdir()
    with pytest.raises(OutsideUnavailable, match="directory"), merging(kernel):
        pass


def test_what_is_saved_is_what_the_kernel_counts_since(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_at_everything(_seconds: float) -> None:
        (kernel / "full_scans").write_text("10\n")
        (kernel / "pages_sharing").write_text("1024\n")

    monkeypatch.setattr("time.sleep", look_at_everything)
    assert wait_until_merged(kernel).saved_mib == 2.0


def test_a_program_that_offers_nothing_is_not_mergeable() -> None:
    assert not is_mergeable(os.getpid())


def test_the_table_shows_a_seats_share_or_the_reason() -> None:
    weighed = SeatWeights(10, 1200.0, 1000.0, 400.0, Merged(550.0, 9.0, 4.0))
    assert weighed.row()["settled MiB"] == 100.0
    assert (weighed.row()["with KSM MiB"], weighed.row()["saved MiB"], weighed.row()["saved %"]) == (40.0, 60.0, 60.0)
    assert "not possible here: no" in weights_table([SeatWeights(10, 1.0, 1.0, refusal="no")]).text()
    assert "with KSM MiB" not in SeatWeights(10, 1.0, 1.0).row()
