"""What the worker does by the clock: each thing guarded, each with its own pace."""

from __future__ import annotations

import threading
import time

from sqlalchemy import select

from portal.core.errors import HypervisorUnavailable
from portal.core.lifecycle import MailState
from portal.interfaces import HostAddress, HostFacts, MachineSeen
from portal.models import Account, Host, Mail
from portal.services import mails
from portal.site import Site
from portal.worker.periodic import Duty, do_duties, do_one, duties, refresh_hosts, send_mails
from tests.worker.hospital import Hospital
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
