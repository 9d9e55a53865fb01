"""The bench of the calendar's proof: it asks what it says it asks."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from portal.bench.calendar import bench_calendar
from portal.cli.bench import app


def test_most_classes_fit_and_some_do_not() -> None:
    (row,) = bench_calendar(hosts=3, classes=500, proofs=60).rows
    assert 0 < row["fit"] < 60
    assert (row["classes"], row["hosts"], row["proofs"]) == (500, 3, 60)


def test_the_command_prints_its_table() -> None:
    done = CliRunner().invoke(app, ["calendar", "--json"])
    assert done.exit_code == 0, done.output
    (table,) = json.loads(done.stdout)
    assert table["rows"][0]["classes"] == 10_000
    assert table["rows"][0]["p95 ms"] > 0
