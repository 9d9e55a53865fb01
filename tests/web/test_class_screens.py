"""The screens of a class: asked of the hosts once in a few seconds, looked at, and taken over."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from portal.bench.wall_viewer import WALL_EVERY_S
from portal.models import ConsoleTicket
from portal.site import Site
from portal.web import screens
from tests.web.conftest import CheckingClient
from tests.web.hypervisor import PNG, KeptMachines


class Photographer(KeptMachines):
    """Counts the pictures that are asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[UUID] = []
        self.watch: Callable[[], object] = lambda: None

    def screenshot(self, _host: object, vm_id: UUID) -> object:
        self.taken.append(vm_id)
        self.watch()
        return super().screenshot(_host, vm_id)  # type: ignore[arg-type]


@pytest.fixture
def hypervisor() -> Photographer:
    return Photographer()


@pytest.fixture
def tom(client: CheckingClient, lab_session: UUID) -> CheckingClient:
    return client.log_in("tom")


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch, app: object) -> list[float]:
    """The clock of the pictures; the cache of an earlier test is put away."""
    app.extensions.pop("vivero_screens", None)  # type: ignore[attr-defined]
    now = [1000.0]
    monkeypatch.setattr(screens, "monotonic", lambda: now[0])
    return now


def test_a_screen_is_asked_of_its_host_once_in_a_few_seconds(
    tom: CheckingClient, hypervisor: Photographer, lab_session: UUID, seconds: list[float]
) -> None:
    asked = f"/classes/{lab_session}/seats/1/server/screen"
    for _ in range(5):
        assert tom.get(asked).data == PNG
    assert len(hypervisor.taken) == 1
    tom.get(f"/classes/{lab_session}/seats/2/server/screen")
    assert len(set(hypervisor.taken)) == 2
    seconds[0] += screens.FRESH_S
    tom.get(asked)
    assert len(hypervisor.taken) == 3


def test_no_picture_on_the_wall_is_older_than_five_seconds(
    tom: CheckingClient, hypervisor: Photographer, lab_session: UUID, seconds: list[float]
) -> None:
    def slowly() -> None:
        seconds[0] += 1.0

    hypervisor.watch, asked = slowly, f"/classes/{lab_session}/seats/1/server/screen"
    tom.get(asked)  # by another teacher; its picture is as old as the asking for it
    seconds[0] += screens.FRESH_S - 1.0
    tom.get(asked)
    assert len(hypervisor.taken) == 2
    wall = tom.get(f"/classes/{lab_session}/wall").text
    every = int(wall.split('hx-trigger="every ')[1].split("s")[0])
    assert every == WALL_EVERY_S
    assert screens.FRESH_S + every <= 4.5  # half a second is left for the way


def test_a_machine_that_the_lab_does_not_have_has_no_screen_and_no_console(
    tom: CheckingClient, lab_session: UUID
) -> None:
    assert tom.get(f"/classes/{lab_session}/seats/1/nothing/screen").status_code == 404
    assert tom.get(f"/classes/{lab_session}/seats/1/nothing/console").status_code == 404


def test_a_host_that_is_silent_gives_no_picture(
    tom: CheckingClient, hypervisor: Photographer, lab_session: UUID, seconds: list[float]
) -> None:
    hypervisor.silent = True
    assert tom.get(f"/classes/{lab_session}/seats/1/server/screen").status_code == 503


def test_nobody_waits_for_a_host_with_a_connection_to_the_database_in_hand(
    tom: CheckingClient, hypervisor: Photographer, site: Site, lab_session: UUID, seconds: list[float]
) -> None:
    held: list[int] = []
    hypervisor.watch = lambda: held.append(site.sessions.kw["bind"].pool.checkedout())
    tom.get(f"/classes/{lab_session}/seats/1/server/screen")
    assert held == [0]


@pytest.mark.parametrize(("asked", "view_only"), [("", True), ("?take=yes", False)])
def test_a_teacher_looks_on_unless_they_take_over(
    tom: CheckingClient, site: Site, lab_session: UUID, asked: str, view_only: bool
) -> None:
    page = tom.get(f"/classes/{lab_session}/seats/1/server/console{asked}").text
    assert f"/classes/{lab_session}/seats/1/console-ticket{asked}" in page
    answer = tom.send(
        f"/classes/{lab_session}/seats/1/console-ticket{asked}", {"machine": "server", "kind": "graphical"}
    )
    assert answer.get_json()["url"] == "/live/console"
    with site.sessions() as db:
        assert db.query(ConsoleTicket).one().view_only is view_only
