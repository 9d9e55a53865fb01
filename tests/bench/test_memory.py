"""The bench of memory: what it counts, and one real run on the simulator."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from typer.testing import CliRunner

from portal.bench.weight import Held, descendants, held_by
from portal.cli.bench import app
from portal.minicluster import Inventory
from tests.stopping import locked_folders


def test_a_process_holds_memory_and_a_gone_one_none() -> None:
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    mine = held_by(os.getpid())
    assert process.pid in set(descendants(os.getpid()))
    process.communicate(timeout=10)
    assert mine.resident >= mine.own > 1
    assert held_by(process.pid) == Held(0.0, 0.0)


@pytest.mark.slow
def test_the_bench_weighs_a_portal_at_work_and_at_rest() -> None:
    done = CliRunner().invoke(app, ["memory", "--no-hosts", "--json"])
    assert done.exit_code == 0, done.output
    (table,) = json.loads(done.stdout)
    assert [row["server MiB"] > 10 and row["worker MiB"] > 10 for row in table["rows"]] == [True, True]


@pytest.mark.minicluster
@pytest.mark.root
@pytest.mark.slow
def test_real_hosts_are_weighed_too_and_left_as_they_were(minicluster: Inventory) -> None:
    folder, before = str(minicluster.cabinet.parent), set(locked_folders(os.getpid()))
    done = CliRunner().invoke(app, ["memory", "--minicluster", folder, "--json"])
    assert done.exit_code == 0, done.output
    (table,) = json.loads(done.stdout)
    moments = [row["moment"] for row in table["rows"]]
    assert moments == ["simulator, at rest", "simulator, at work", "real hosts, at rest", "real hosts, at work"]
    assert list((minicluster.cabinet / "vms").iterdir()) == []
    assert set(locked_folders(os.getpid())) <= before
