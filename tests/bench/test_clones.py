"""The bench of cloning: its words and sums, and one real run with everything in it. Nothing is timed here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portal.bench.clones import AIMS, Measured, phases_table, row_of, seconds_table
from portal.bench.ours import PHASES, OurRun
from portal.bench.raw import spread
from portal.cli.bench import app, counts_in
from portal.core.errors import Invalid
from portal.interfaces import HostAddress
from portal.minicluster import Inventory


def measured(count: int, *, raw: float, ours: float, plain: float = 50.0) -> Measured:
    run = OurRun(ours, dict.fromkeys(PHASES, 0.5))
    return Measured(count, raw={2: [raw + 1, raw + 1], 4: [raw]}, together=[raw], ours=[run], plain=[plain])


def test_the_raw_limit_is_the_best_number_of_threads() -> None:
    found = measured(10, raw=2.0, ours=3.0)
    assert (found.raw_s, found.best_threads) == (2.0, 4)


@pytest.mark.parametrize(
    ("count", "ours", "reached"),
    [(1, 4.5, True), (1, 4.6, False), (10, 4.0, True), (10, 4.1, False), (30, 6.0, True), (30, 6.1, False)],
)
def test_each_aim_is_what_was_promised(count: int, ours: float, reached: bool) -> None:
    assert row_of(measured(count, raw=2.0, ours=ours))["aim"] is reached


def test_other_counts_have_no_aim() -> None:
    assert 5 not in AIMS
    assert "aim" not in row_of(measured(5, raw=2.0, ours=9.0))


def test_tables_show_ratios_and_phases() -> None:
    found = [measured(30, raw=4.0, ours=6.0)]
    text = seconds_table(found, 3).text()
    assert "1.50" in text
    assert "8.33" in text  # plain / ours
    assert "reached" in text
    assert "module" in phases_table(found).text()


def test_machines_are_spread_over_hosts() -> None:
    hosts = [HostAddress(name, name) for name in ("hv1", "hv2", "hv3")]
    placed = spread(hosts, 10)
    assert sorted(sum(one.host == host for one in placed) for host in hosts) == [3, 3, 4]
    assert len({one.name for one in placed}) == 10


@pytest.mark.parametrize("words", ["", "0", "1,x", "41", "-1"])
def test_counts_that_make_no_sense_are_refused(words: str) -> None:
    with pytest.raises(Invalid):
        counts_in(words)


def test_a_folder_without_a_minicluster_is_one_clear_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["clones", "--minicluster", str(tmp_path)])
    assert done.exit_code == 1
    assert "No minicluster runs" in done.output


@pytest.mark.minicluster
@pytest.mark.root
@pytest.mark.slow
def test_the_bench_clones_with_all_three_and_leaves_nothing(minicluster: Inventory) -> None:
    state_dir = minicluster.cabinet.parent
    done = CliRunner().invoke(
        app, ["clones", "--count", "1", "--rounds", "1", "--minicluster", str(state_dir), "--json"]
    )
    assert done.exit_code == 0, done.output
    seconds, phases = json.loads(done.stdout)
    assert {"machines", "raw s", "ours s", "plain s", "aim s"} <= seconds["rows"][0].keys()
    assert phases["rows"][0]["module"] > 0
    assert list((minicluster.cabinet / "bench").iterdir()) == []
    assert list((minicluster.cabinet / "vms").iterdir()) == []
