"""The bench of classes: its words and sums, and one real run with everything in it. Nothing is timed here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portal.bench.classes import Measured, phases_table, seconds_table
from portal.bench.ground import copy_version, templates_of
from portal.bench.our_classes import ClassRun
from portal.cli.bench import app
from portal.core.errors import NotFound
from portal.minicluster import Inventory


def measured(*, raw: float, warm: float, cold: float = 60.0, reset: float = 2.0) -> Measured:
    def run(seconds: float) -> ClassRun:
        return ClassRun(seconds, warm=3, cleared_s=4.0, reset_s=reset, phases={"Prepare the seats": seconds - 0.5})

    return Measured(30, raw=[raw + 1, raw, raw], warm=[run(warm)], cold=[run(cold)], plain=[80.0])


@pytest.mark.parametrize(("warm", "reached"), [(16.0, True), (16.1, False)])
def test_a_warm_class_may_take_what_was_promised(warm: float, reached: bool) -> None:
    row = measured(raw=10.0, warm=warm).row()
    assert (row["raw s"], row["aim s"], row["aim"]) == (10.0, 16.0, reached)


@pytest.mark.parametrize(("cold", "reached"), [(180.0, True), (179.0, False)])
def test_ten_debian_seats_are_ready_fifteen_times_as_fast_as_booted_ones(cold: float, reached: bool) -> None:
    found = measured(raw=10.0, warm=12.0, cold=cold)
    assert "15 x" not in found.row()
    found.tiny, found.seats = False, 10
    assert found.row()["15 x"] is reached


def test_a_lab_brings_the_templates_of_its_machines() -> None:
    assert templates_of("wiki-restore") == ["dokuwiki"]
    assert templates_of("isolation") == ["micro-linux"]
    with pytest.raises(NotFound):
        templates_of("nothing")


def test_only_the_newest_disk_is_copied_from_another_cabinet(tmp_path: Path) -> None:
    disk = tmp_path / "v2.qcow2"
    for name in ("v1.qcow2", "v1.json", "v2.qcow2", "v2.json"):
        (tmp_path / name).write_text(name)
    copy_version(disk, tmp_path / "there")
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == ["v2.json", "v2.qcow2"]


@pytest.mark.parametrize(("reset", "reached"), [(3.0, True), (3.1, False)])
def test_a_reset_may_take_three_seconds(reset: float, reached: bool) -> None:
    assert measured(raw=10.0, warm=12.0, reset=reset).row()["reset"] is reached


def test_tables_show_ratios_and_phases() -> None:
    found = [measured(raw=10.0, warm=12.0)]
    text = seconds_table("first-steps-linux", found, 1).text()
    assert "1.20" in text
    assert "5.00" in text  # cold / warm
    assert "Prepare the seats" in phases_table(found).text()


@pytest.mark.minicluster
@pytest.mark.root
@pytest.mark.slow
def test_the_bench_teaches_one_seat_and_leaves_nothing(minicluster: Inventory) -> None:
    state_dir = minicluster.cabinet.parent
    words = ["class", "--seats", "1", "--rounds", "1", "--no-cold", "--no-plain", "--ksm"]
    done = CliRunner().invoke(app, [*words, "--minicluster", str(state_dir), "--json"])
    assert done.exit_code == 0, done.output
    seconds, phases, memory = json.loads(done.stdout)
    assert {"seats", "raw s", "warm s", "reset s", "cleared s", "aim"} <= seconds["rows"][0].keys()
    assert memory["rows"][0]["settled MiB"] > 10
    assert memory["rows"][0]["with KSM MiB"]  # or why there is none
    assert phases["rows"][0]["Prepare the seats"] > 0
    assert list((minicluster.cabinet / "bench").iterdir()) == []
    assert list((minicluster.cabinet / "seats").iterdir()) == []
