"""Requests for own machines that begin with the disk of a kept seat's machine: where that disk is, and its copy."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base
from portal.models.keepings import Keeping
from portal.models.seats import SeatMachine
from portal.models.vm_requests import VmRequest


class OwnMachine(Base, kw_only=True):
    """While its request is open the keeping is held. `copied_at`: the seat is needed no more."""

    __tablename__ = "own_machines"

    vm_request_id: Mapped[UUID] = mapped_column(ForeignKey("vm_requests.id"), primary_key=True)
    keeping_id: Mapped[UUID] = mapped_column(ForeignKey("keepings.id"), index=True)
    seat_machine_id: Mapped[UUID] = mapped_column(ForeignKey("seat_machines.id"))
    copied_at: Mapped[datetime | None] = mapped_column(default=None)
    given_up_at: Mapped[datetime | None] = mapped_column(default=None)  # the seat's time was over
    vm_request: Mapped[VmRequest] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    keeping: Mapped[Keeping] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    machine: Mapped[SeatMachine] = relationship(init=False, lazy="joined", viewonly=True, repr=False)

    @property
    def is_open(self) -> bool:
        return not self.vm_request.state.is_final
