"""The bench of the wall of screens: what it counts, how it asks as a page does, and small real runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from portal.bench.spent import name_of, seconds_by, spent_since
from portal.bench.wall import OTHERS, QEMU, bench_wall, row_of
from portal.bench.wall_viewer import PICTURE, Looked, seen_in
from portal.cli.bench import app
from portal.minicluster import Inventory


def spent(server: float, worker: float, machines: float = 0.0, host: float = 0.0) -> dict[str, float]:
    return {"server": server, "worker": worker, QEMU: machines, OTHERS: host}


def test_the_time_of_children_counts_also_when_they_have_ended() -> None:
    before = seconds_by({"me": os.getpid()})
    subprocess.run([sys.executable, "-c", "sum(range(20_000_000))"], check=True)
    assert spent_since(before, seconds_by({"me": os.getpid()}))["me"] > 0.05
    assert "python" in name_of(os.getpid()) or "pytest" in name_of(os.getpid())


@pytest.mark.parametrize(("server", "reached"), [(12.4, True), (12.8, False)])
def test_a_wall_may_take_a_fifth_of_a_core_more_than_nothing(server: float, reached: bool) -> None:
    looked = Looked(tiles=40, pictures=480, waited_ms=[5.0, 9.0])
    row = row_of("simulator", looked, spent(1.0, 0.5), spent(server, 1.0), 60.0)
    assert row["aim"] is reached
    assert row["idle %"] == 2.5


def test_fewer_screens_have_no_aim_and_hosts_are_shown_apart() -> None:
    row = row_of("real hosts", Looked(tiles=8), spent(0, 0, 1.0), spent(0.6, 0, 1.6, 0.3), 60.0)
    assert "aim" not in row
    assert (round(float(row["QEMU %"]), 3), round(float(row["host %"]), 3), row["wall %"]) == (1.0, 0.5, 1.0)


def test_what_the_page_shows_is_read_as_a_browser_does() -> None:
    assert seen_in(b'<div hx-get="/classes/1/board?seen=4.a&amp;x=1" hx-trigger="every 2s">') == (
        "/classes/1/board?seen=4.a&x=1"
    )
    assert seen_in(b"<div></div>") is None
    assert PICTURE.findall('<img src="/a?at=1" alt=""><img src="/b" alt="">') == ["/a?at=1", "/b"]


@pytest.mark.slow
def test_a_small_wall_is_looked_at_on_the_simulator() -> None:
    (row,) = bench_wall(lambda text: None, seats=1, seconds=6, simulated_seats=3, hosts=False).rows
    assert (row["screens"], row["pictures"], row["failed"]) == (3, 6, 0)


@pytest.mark.minicluster
@pytest.mark.root
@pytest.mark.slow
def test_a_small_wall_is_looked_at_on_real_hosts_and_nothing_is_left(minicluster: Inventory) -> None:
    folder = str(minicluster.cabinet.parent)
    words = ["wall", "--seats", "2", "--seconds", "6", "--minicluster", folder, "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    simulated, real = json.loads(done.stdout)[0]["rows"]
    assert (simulated["screens"], simulated["failed"]) == (40, 0)
    assert (real["screens"], real["failed"]) == (2, 0)
    assert list((minicluster.cabinet / "seats").iterdir()) == []
