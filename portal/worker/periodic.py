"""What the worker does by the clock. Each part is guarded: its failure is logged and stops no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import select

from portal.models import Host
from portal.services import (
    class_approvals,
    class_clock,
    class_notices,
    hosts,
    keeping_notices,
    kept_seats,
    lab_trials,
    leases,
    login_sessions,
    mails,
    rehearsals,
    retention,
    revivals,
    workers,
    workflows,
)
from portal.services.keepings import terms_of
from portal.site import Site
from portal.worker.catalogue import CatalogueWatch

log = structlog.get_logger()


@dataclass
class Duty:
    """Something to do every so many seconds."""

    name: str
    every_s: float
    work: Callable[[Site], object]
    next_at: float = field(default=0.0)

    def is_due(self, now: float) -> bool:
        return now >= self.next_at


def duties(extra: Sequence[Duty] = ()) -> list[Duty]:
    """All of them; new ones, for each thread keeps its own times."""
    return [
        *extra,
        Duty("start dated requests", 60, start_dated),
        Duty("send mails", 5, send_mails),
        Duty("refresh hosts", 30, refresh_hosts),
        Duty("watch the catalogue", 30, CatalogueWatch().look),
        Duty("prepare classes", 5, prepare_classes),
        Duty("begin and end classes", 5, turn_classes),
        Duty("tell teachers", 10, tell_teachers),
        Duty("rehearse classes", 30, rehearse_classes),
        Duty("clear trials of labs", 30, clear_lab_trials),
        Duty("end kept seats", 10, end_kept_seats),
        Duty("look at kept seats", 60, look_at_kept_seats),
        Duty("lease notices", 600, send_notices),
        Duty("park machines", 10, park_machines),
        Duty("retire machines", 600, retire_machines),
        Duty("sweep login sessions", 600, sweep_login_sessions),
        Duty("retention", 3600, keep_less),
    ]


def do_duties(site: Site, todo: Sequence[Duty], *, stop: threading.Event, tick_s: float = 1.0) -> None:
    """One after the other in this thread until `stop` is set."""
    while not stop.is_set():
        for duty in todo:
            if duty.is_due(time.monotonic()) and not stop.is_set():
                do_one(site, duty)
        stop.wait(tick_s)


def do_one(site: Site, duty: Duty) -> None:
    try:
        duty.work(site)
    except Exception:
        log.exception("duty failed", duty=duty.name)
    duty.next_at = time.monotonic() + duty.every_s


def start_dated(site: Site) -> int:
    with site.write_sessions.begin() as db:
        return workflows.start_dated(db, queue=site.queue, now=site.clock(), timezone=site.settings.timezone)


def prepare_classes(site: Site) -> int:
    with site.write_sessions.begin() as db:
        return class_clock.prepare_due(db, queue=site.queue, now=site.clock())


def turn_classes(site: Site) -> int:
    """Those that are ready begin, those that are over end."""
    with site.write_sessions.begin() as db:
        now, settings = site.clock(), site.settings
        class_approvals.cancel_undecided(db, now=now, base_url=settings.base_url, timezone=settings.timezone)
        return class_clock.begin_due(db, now=now) + class_clock.end_due(db, queue=site.queue, now=now)


def tell_teachers(site: Site) -> int:
    """Before the hour, of seats that will be missing, and that nobody has approved the class yet."""
    settings = site.settings
    with site.write_sessions.begin() as db:
        class_approvals.remind_due(db, now=site.clock(), base_url=settings.base_url, timezone=settings.timezone)
        return class_notices.tell_due(db, now=site.clock(), base_url=settings.base_url, timezone=settings.timezone)


def end_kept_seats(site: Site) -> int:
    """Those whose time is over; who has one is told a day before."""
    settings = site.settings
    terms = terms_of(settings)
    with site.write_sessions.begin() as db:
        ended = kept_seats.end_due(db, queue=site.queue, now=site.clock(), terms=terms, base_url=settings.base_url)
    with site.write_sessions.begin() as db:
        keeping_notices.tell_due(db, now=site.clock(), base_url=settings.base_url, timezone=settings.timezone)
    return ended


def look_at_kept_seats(site: Site) -> int:
    """Machines that are off boot again. No transaction waits for a host."""
    with site.sessions() as db:
        kept = revivals.places(db)
    off = revivals.are_off(site.hypervisor, kept)
    if not off:
        return 0
    with site.write_sessions.begin() as db:
        return revivals.begin(db, off, queue=site.queue, now=site.clock())


def rehearse_classes(site: Site) -> object:
    """In the evening those of tomorrow; what a rehearsal could not take away is tried again."""
    settings = site.settings
    with site.write_sessions.begin() as db:
        rehearsals.clear_due(db, queue=site.queue, now=site.clock())
    with site.write_sessions.begin() as db:
        return rehearsals.begin_due(
            db,
            queue=site.queue,
            now=site.clock(),
            base_url=settings.base_url,
            timezone=settings.timezone,
            reserve_hosts=settings.reserve_hosts,
        )


def clear_lab_trials(site: Site) -> int:
    """What a trial could not take away, and what a command that died has left."""
    with site.write_sessions.begin() as db:
        return len(lab_trials.clear_due(db, queue=site.queue, now=site.clock()))


def send_mails(site: Site) -> object:
    with site.sessions() as db:
        if not mails.due(db, site.clock(), most=1):
            return None
    with site.write_sessions() as db:  # it commits by itself, so that nobody waits for the mail server
        return mails.send_due(db, site.mailer, site.clock(), keep_links=site.settings.mailer == "page")


def refresh_hosts(site: Site) -> None:
    """Facts, trouble, and the power of machines that changed by themselves. No transaction waits for a host."""
    with site.sessions() as db:
        known = [(host.id, host.reached_at) for host in db.scalars(select(Host).order_by(Host.name))]
    for host_id, address in known:
        looked_at = site.clock()
        look = hosts.look_at(site.hypervisor, address)
        with site.write_sessions.begin() as db:
            host = db.get(Host, host_id)
            if host is not None:
                hosts.note_look(db, host, look, site.clock(), looked_at=looked_at)


def send_notices(site: Site) -> int:
    settings = site.settings
    with site.write_sessions.begin() as db:
        return leases.send_notices(
            db,
            now=site.clock(),
            secret_key=settings.secret_key,
            base_url=settings.base_url,
            timezone=settings.timezone,
        )


def park_machines(site: Site) -> int:
    with site.write_sessions() as db:
        parked = leases.park_due(
            db,
            now=site.clock(),
            hypervisor=site.hypervisor,
            base_url=site.settings.base_url,
            timezone=site.settings.timezone,
        )
        db.commit()
        return parked


def retire_machines(site: Site) -> int:
    with site.write_sessions.begin() as db:
        return leases.retire_due(db, now=site.clock(), queue=site.queue)


def sweep_login_sessions(site: Site) -> int:
    with site.write_sessions.begin() as db:
        return login_sessions.sweep(db, site.clock(), idle_minutes=site.settings.idle_minutes)


def keep_less(site: Site) -> None:
    now = site.clock()
    with site.write_sessions.begin() as db:
        mails.sweep(db, now)
        workers.sweep(db, now)
    with site.write_sessions.begin() as db:
        retention.sweep_lines(db, now)
    with site.write_sessions.begin() as db:
        retention.forget_students(db, now)
