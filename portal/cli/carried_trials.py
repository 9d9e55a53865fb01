"""A lab's trial that a command carries itself, so that no worker is needed: watched, stopped in order, cleared.

If the command dies, the next worker (or the next command) takes away what it held.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from portal.core.errors import N_, NotFound, PortalError
from portal.models import LabTrial
from portal.services import lab_trials, workflows
from portal.site import Site
from portal.workflows.in_process import InProcessQueue
from portal.workflows.running import FAILED
from portal.workflows.sequence import Fenced

LOOK_EVERY_S = 0.3
BEAT_EVERY = 30  # looks
CLEARING = 5 * lab_trials.ALIVE  # nobody beats meanwhile
NO_SUCH_LAB = N_("There is no lab “%(slug)s” without mistakes; “vivero lab read” names them.")


@dataclass
class CarriedTrial:
    """`told` and `mistakes_told` are what was said already; `trouble` is why it could not be carried to its end."""

    site: Site
    id: UUID
    queue: InProcessQueue
    steps: int
    told: int = 0
    mistakes_told: int = 0
    trouble: str = ""
    asked_to_stop: bool = False

    def trial(self) -> LabTrial:
        with self.site.sessions() as db:
            return db.get_one(LabTrial, self.id)

    def watch(self, stopping: Callable[[], bool]) -> Iterator[LabTrial]:
        """How it stands, again and again until it has ended. Asked to stop it is cancelled, and its seat taken away."""
        thread = threading.Thread(target=self.carry, name="trial", daemon=True)
        thread.start()
        looks = 0
        while thread.is_alive():
            thread.join(LOOK_EVERY_S)
            looks += 1
            if looks % BEAT_EVERY == 0:
                self.say_alive()
            if stopping() and not self.asked_to_stop:
                self.ask_stop()
            yield self.trial()
        yield self.trial()

    def carry(self) -> None:
        """In a thread of its own: to the end, and back again if it failed."""
        try:
            if self.queue.carry(self.site) == FAILED:
                with self.site.write_sessions.begin() as db:
                    lab_trials.roll_back(db, self.id, queue=self.queue, now=self.site.clock())
                self.queue.carry(self.site)
        except Fenced:
            self.trouble = "another process took it over"
        except (PortalError, SQLAlchemyError) as error:
            self.trouble = str(error).splitlines()[0]

    def say_alive(self) -> None:
        with self.site.write_sessions.begin() as db:
            lab_trials.say_alive(db, self.id, self.site.clock())

    def ask_stop(self) -> None:
        self.asked_to_stop = True
        with self.site.write_sessions.begin() as db:
            workflow_id = db.get_one(LabTrial, self.id).workflow_id or ""
            if workflows.is_live(db, workflow_id):
                workflows.ask_cancel(db, workflow_id=workflow_id, now=self.site.clock())


def begin(site: Site, slug: str) -> CarriedTrial:
    """Raises NotFound for a lab that is not there or has mistakes, and what a trial is refused for."""
    queue, now = InProcessQueue(), site.clock()
    with site.write_sessions.begin() as db:
        offer = lab_trials.offer_for_all(db, slug)
        if offer.spec is None or offer.errors or offer.version is None:
            raise NotFound(NO_SUCH_LAB, slug=slug[:60])
        trial = lab_trials.begin(
            db,
            offer,
            by=None,
            queue=queue,
            now=now,
            reserve_hosts=site.settings.reserve_hosts,
            alive_until=now + lab_trials.ALIVE,
        )
        return CarriedTrial(site, trial.id, queue, len(offer.spec.steps))


def clear(site: Site) -> None:
    """What dead commands have left, on a machine that may have no worker. Failing again, it waits for the next one."""
    queue, now = InProcessQueue(), site.clock()
    with site.write_sessions.begin() as db:
        lab_trials.clear_due(db, queue=queue, now=now, alive_until=now + CLEARING)
    while queue.begun:
        queue.carry(site)
