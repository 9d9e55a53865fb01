"""What the worker does by the clock: each thing guarded, each with its own pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import select

from portal.core.errors import HypervisorUnavailable
from portal.core.lifecycle import MailState, VmRequestState
from portal.interfaces import HostAddress, HostFacts, MachineSeen
from portal.models import Account, Host, Mail
from portal.services import mails
from portal.site import Site
from portal.worker import run_worker
from portal.worker.periodic import Duty, do_duties, do_one, duties, refresh_hosts, send_mails
from tests.worker.hospital import FAST, Hospital
from tests.workflows.doubles import clock


def test_a_duty_that_fails_stops_no_other(hospital_on_sqlite: Hospital) -> None:
    site, stop, done = hospital_on_sqlite.build(), threading.Event(), []

    def fail(_site: Site) -> None:
        raise ZeroDivisionError

    def succeed(_site: Site) -> None:
        done.append(True)
        stop.set()

    do_duties(site, [Duty("fail", 60, fail), Duty("succeed", 60, succeed)], stop=stop)
    assert done == [True]


def test_a_duty_waits_until_its_time_comes_again(hospital_on_sqlite: Hospital) -> None:
    duty = Duty("anything", 60, lambda site: None)
    do_one(hospital_on_sqlite.build(), duty)
    now = time.monotonic()
    assert (duty.is_due(now), duty.is_due(now + 61)) == (False, True)


def test_every_duty_runs_on_an_empty_day(hospital_on_sqlite: Hospital) -> None:
    site = hospital_on_sqlite.build()
    for duty in duties():
        if duty.name != "refresh hosts":
            duty.work(site)


@pytest.mark.slow
def test_a_duty_that_waits_for_a_silent_host_holds_up_neither_work_nor_the_end(
    hospital_on_sqlite: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, stop, answers = hospital_on_sqlite.build(), threading.Event(), threading.Event()
    waiting = Duty("wait for a silent host", 60, lambda _site: answers.wait(60))
    monkeypatch.setattr("portal.worker.loop.duties", lambda extra: [waiting])
    vm_request_id, interrupted = hospital_on_sqlite.order(site), threading.Event()

    def interrupt_once(place: str) -> None:
        if place == "Choose hosts done" and not interrupted.is_set():
            interrupted.set()
            raise ConnectionError

    arguments = {"stop": stop, "pace": FAST, "checkpoint": interrupt_once}
    runs = threading.Thread(target=run_worker, args=(site,), kwargs=arguments)
    runs.start()
    wait_for(lambda: hospital_on_sqlite.state_of(site, vm_request_id) == VmRequestState.FULFILLED)
    stop.set()
    runs.join(20)
    assert not runs.is_alive()
    answers.set()


def wait_for(what: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class Postman:
    def __init__(self) -> None:
        self.letters: list[object] = []

    def send(self, letter: object) -> None:
        self.letters.append(letter)


class HalfACluster:
    """hv1 answers; the others do not."""

    def describe(self, host: HostAddress) -> HostFacts:
        if host.name != "hv1":
            raise HypervisorUnavailable("no answer")
        return HostFacts(8, 16384, 8192, "kvm", "EPYC", "7.2", 102400, 51200)

    def machines(self, host: HostAddress) -> list[MachineSeen]:
        return []


def test_mails_that_are_due_are_sent(hospital_on_sqlite: Hospital) -> None:
    site, postman = hospital_on_sqlite.build(), Postman()
    object.__setattr__(site, "mailer", postman)
    with site.write_sessions.begin() as db:
        ada = db.scalars(select(Account)).one()
        mails.write(db, account=ada, subject="Hello", text="World", now=clock())
    send_mails(site)
    with site.sessions() as db:
        assert db.scalars(select(Mail.state)).one() == MailState.SENT
    assert len(postman.letters) == 1


def test_hosts_tell_what_they_are_or_why_not(hospital_on_sqlite: Hospital) -> None:
    site = hospital_on_sqlite.build()
    object.__setattr__(site, "hypervisor", HalfACluster())
    refresh_hosts(site)
    with site.sessions() as db:
        hosts = {host.name: host for host in db.scalars(select(Host))}
    assert (hosts["hv1"].memory_mib, hosts["hv1"].accelerator, hosts["hv1"].trouble) == (16384, "kvm", "")
    assert hosts["hv2"].trouble == "no answer"
