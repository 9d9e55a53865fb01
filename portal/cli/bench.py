"""`vivero bench`: what cloning, pages, memory and the proof of a class cost, each as one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from portal.bench.calendar import bench_calendar
from portal.bench.classes import bench_classes
from portal.bench.classroom import Load, bench_classroom
from portal.bench.clones import bench_clones
from portal.bench.ground import prepared
from portal.bench.memory import bench_memory
from portal.bench.pages import bench_pages
from portal.bench.tables import Table, as_json
from portal.bench.wall import bench_wall
from portal.cli.signals import torn_off
from portal.cli.work import one_clear_line
from portal.core.errors import N_, Invalid

app = typer.Typer(help="Measure cloning, pages and memory on the real thing.", no_args_is_help=True)

MOST_CLONES = 40
RunningMinicluster = Annotated[
    Path | None, typer.Option(help="A running minicluster's folder; without it one is brought up and down.")
]
Cabinet = Annotated[Path | None, typer.Option(help="A cabinet to copy templates from instead of building.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]


@app.callback()
def bench(ctx: typer.Context) -> None:
    """Measure cloning, pages and memory on the real thing. Takes minutes and wants a quiet machine."""
    ctx.with_resource(torn_off())  # hosts, servers and files of a bench go with it


@app.command()
def clones(
    count: Annotated[str, typer.Option(help="How many machines, with commas.")] = "1,10,30",
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often each; the table shows medians.")] = 3,
    minicluster: RunningMinicluster = None,
    cabinet: Cabinet = None,
    plain: Annotated[bool, typer.Option(help="Also measure the plain playbook.")] = True,
    json: AsJson = False,
) -> None:
    """From approval to all machines running, beside a bare libvirt script and the playbook most people write.

    A named minicluster should carry nothing else meanwhile: addresses are given out by the bench alone.
    """
    with one_clear_line():
        counts = counts_in(count)
        with prepared(minicluster=minicluster, cabinet=cabinet, say=say) as ground:
            tables = bench_clones(ground, counts, rounds=rounds, say=say, with_plain=plain)
    show(tables, json=json)


@app.command(name="class")
def class_(
    lab: Annotated[str, typer.Option(help="A lab with one machine a seat, for the raw limit.")] = "first-steps-linux",
    seats: Annotated[str, typer.Option(help="How many seats, with commas.")] = "1,10,30",
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often each; the table shows medians.")] = 3,
    minicluster: RunningMinicluster = None,
    cabinet: Cabinet = None,
    cold: Annotated[bool, typer.Option(help="Also boot the seats.")] = True,
    plain: Annotated[bool, typer.Option(help="Also measure the plain playbook.")] = True,
    ksm: Annotated[
        bool, typer.Option(help="Also weigh the seats while the kernel merges equal pages; its settings are put back.")
    ] = False,
    json: AsJson = False,
) -> None:
    """From "prepare" to all seats ready: restored, booted, and beside a bare script that restores the same memory."""
    with one_clear_line():
        counts = counts_in(seats)
        with prepared(minicluster=minicluster, cabinet=cabinet, say=say, lab=lab) as ground:
            tables = bench_classes(ground, lab, counts, rounds=rounds, cold=cold, plain=plain, ksm=ksm, say=say)
    show(tables, json=json)


@app.command()
def calendar(json: AsJson = False) -> None:
    """How long it takes to prove that a class fits, beside 10,000 others on 50 hosts."""
    show([bench_calendar()], json=json)


@app.command()
def pages(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How often 20 people look at each page 4 times.")] = 3,
    json: AsJson = False,
) -> None:
    """Pages with 100,000 requests beside the same pages with 100, on real servers, and their queries."""
    with one_clear_line():
        table = bench_pages(rounds=rounds, say=say)
    show([table], json=json)


@app.command()
def memory(
    hosts: Annotated[bool, typer.Option(help="Also on real hosts, which needs root.")] = True,
    minicluster: RunningMinicluster = None,
    cabinet: Cabinet = None,
    json: AsJson = False,
) -> None:
    """What server and worker hold together, at rest and at work, on the simulator and on three real hosts."""
    with one_clear_line():
        table = bench_memory(say, hosts=hosts, minicluster=minicluster, cabinet=cabinet)
    show([table], json=json)


@app.command()
def wall(
    seats: Annotated[int, typer.Option(min=1, max=40, help="How many screens on real hosts.")] = 40,
    seconds: Annotated[int, typer.Option(min=1, max=600, help="How long idle, and how long with the wall open.")] = 60,
    hosts: Annotated[bool, typer.Option(help="Also on real hosts, which needs root.")] = True,
    minicluster: RunningMinicluster = None,
    cabinet: Cabinet = None,
    json: AsJson = False,
) -> None:
    """What a teacher's wall of live screens costs of one core: 40 on the simulator, and on real hosts."""
    with one_clear_line():
        table = bench_wall(say, seats=seats, seconds=seconds, hosts=hosts, minicluster=minicluster, cabinet=cabinet)
    show([table], json=json)


@app.command()
def classroom(
    students: Annotated[int, typer.Option(min=1, max=400, help="How many students have their page open.")] = 200,
    consoles: Annotated[int, typer.Option(min=0, max=400, help="How many of them have a console open.")] = 60,
    seconds: Annotated[int, typer.Option(min=1, max=600, help="How long, once everybody is there.")] = 60,
    json: AsJson = False,
) -> None:
    """Pages and consoles of whole classes at work on one server, on the simulator."""
    with one_clear_line():
        tables = bench_classroom(Load(students, min(consoles, students), seconds), say)
    show(tables, json=json)


def counts_in(text: str) -> list[int]:
    counts = [int(word) if word.strip().isdigit() else 0 for word in text.split(",")]
    if not all(1 <= one <= MOST_CLONES for one in counts):
        raise Invalid(N_("Write how many machines as numbers from 1 to %(most)s, with commas."), most=MOST_CLONES)
    return counts


def say(text: str) -> None:
    """Progress goes where the table does not."""
    typer.echo(text, err=True)


def show(tables: Sequence[Table], *, json: bool) -> None:
    typer.echo(as_json(tables) if json else "\n".join(table.text() for table in tables))
