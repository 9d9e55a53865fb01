"""A machine of a kept seat becomes an own one: its disk is copied once, and the seat stays until then."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from portal.backends.fake_cluster import Trouble
from portal.core.lease import local_day
from portal.core.lifecycle import KeepingState, VmRequestState, VmState
from portal.core.policy import Role
from portal.models import AuditEntry, LabSession, Mail, OwnMachine, Vm, VmRequest
from portal.services import accounts, approvals, own_machines, vm_requests
from portal.services.own_machines import Wish
from portal.workflows.sequence import Hooks
from tests.factories import actor_for
from tests.workflows.school import School, school
from tests.workflows.test_keepings import MINE, WEEK, kept

__all__ = ["school"]  # a fixture


def ask(school: School, class_id: UUID, keeping_id: UUID, name: str = "own-server") -> UUID:
    with school.site.write_sessions.begin() as db:
        actor, now = accounts.actor_of(db.get_one(LabSession, class_id).teacher), school.now()
        ends_on = local_day(now, "Europe/Madrid") + timedelta(days=30)
        wish = Wish("server", name, "To go on with the thesis", ends_on)
        return own_machines.ask(db, actor=actor, keeping_id=keeping_id, wish=wish, now=now, secret_key="x" * 40).id


def approve(school: School, vm_request_id: UUID) -> None:
    with school.site.write_sessions.begin() as db:
        grace = actor_for(db, role=Role.APPROVER)
        approvals.approve(db, actor=grace, vm_request_id=vm_request_id, queue=school.queue, now=school.now())


def asked(school: School, *, days: int = 7) -> tuple[UUID, UUID, UUID]:
    """The kept seat, its keeping, and a request for its server."""
    class_id, seat_id, keeping_id = kept(school, days=days)
    return seat_id, keeping_id, ask(school, class_id, keeping_id)


def request(school: School, vm_request_id: UUID) -> VmRequest:
    with school.site.sessions() as db:
        return db.get_one(VmRequest, vm_request_id)


def machine(school: School, vm_request_id: UUID) -> Vm:
    with school.site.sessions() as db:
        return db.scalars(select(Vm).where(Vm.vm_request_id == vm_request_id)).one()


def files(school: School, vm_id: UUID) -> list[str]:
    with school.cluster.world() as world:
        return world.machines[str(vm_id)].files


def seats_machines(school: School, seat_id: UUID) -> int:
    with school.cluster.world() as world:
        return sum(one.seat == str(seat_id) for one in world.machines.values())


def test_the_own_machine_has_what_was_on_the_seat_and_outlives_it(school: School) -> None:
    seat_id, keeping_id, request_id = asked(school)
    approve(school, request_id)
    assert school.run() == "done"
    vm = machine(school, request_id)
    assert (request(school, request_id).state, vm.state) == (VmRequestState.FULFILLED, VmState.RUNNING)
    assert (files(school, vm.id), vm.network) == ([MINE], "department")
    assert seats_machines(school, seat_id) == 1
    assert school.turn_kept(timedelta(minutes=1)) == ["done"]  # the copied machine boots again
    assert (seats_machines(school, seat_id), school.files(seat_id)) == (2, [MINE])
    assert school.turn_kept(WEEK + timedelta(hours=2)) == ["done"]
    assert (school.keeping(keeping_id).state, seats_machines(school, seat_id)) == (KeepingState.OVER, 0)
    assert files(school, vm.id) == [MINE]


@pytest.mark.parametrize("checkpoint", range(1, 16))
def test_a_worker_that_dies_is_followed_by_one_that_finishes(school: School, checkpoint: int) -> None:
    _seat_id, _keeping_id, request_id = asked(school)
    approve(school, request_id)
    left = [checkpoint]

    class Dead(BaseException):
        pass

    def die(place: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Dead

    with pytest.raises(Dead):
        school.run(Hooks(pause=school.wait, checkpoint=die))
    assert school.run() == "done"
    assert files(school, machine(school, request_id).id) == [MINE]
    with school.site.sessions() as db:
        copied = db.scalars(select(AuditEntry).where(AuditEntry.action == "keeping.own_machine_copied")).all()
    assert len(copied) == 1


def test_a_worker_that_dies_right_after_the_copy_leaves_it_to_be_found(school: School) -> None:
    _seat_id, _keeping_id, request_id = asked(school)
    approve(school, request_id)
    run, ran = school.site.playbooks.run, []

    class Dead(BaseException):
        pass

    def run_and_die(*args: object, **named: object) -> object:
        result = run(*args, **named)  # type: ignore[arg-type]
        ran.append(args[0].playbook)  # type: ignore[attr-defined]
        if ran == ["copy_seat_disks"]:
            raise Dead
        return result

    school.site.playbooks.run = run_and_die  # type: ignore[method-assign, assignment]
    with pytest.raises(Dead):
        school.run()
    assert school.turn_kept(timedelta(minutes=2)) == []  # nobody boots the seat while it may be copied
    assert school.run() == "done"
    assert ran == ["copy_seat_disks", "copy_seat_disks", "clone_vms"]
    assert files(school, machine(school, request_id).id) == [MINE]


def test_while_the_request_waits_the_seat_stays_beyond_its_time(school: School) -> None:
    seat_id, keeping_id, request_id = asked(school, days=2)
    assert school.turn_kept(timedelta(days=2, hours=2)) == []
    keeping = school.keeping(keeping_id)
    assert keeping.until_at is not None
    assert (keeping.state, keeping.until_at > school.now()) == (KeepingState.KEPT, True)
    approve(school, request_id)
    assert school.run() == "done"
    assert files(school, machine(school, request_id).id) == [MINE]
    assert school.turn_kept(timedelta(days=1)) == ["done"]
    assert seats_machines(school, seat_id) == 0


def test_after_the_longest_time_the_request_is_cancelled_and_its_owner_reads_why(school: School) -> None:
    seat_id, keeping_id, request_id = asked(school, days=14)
    for _day in range(20):
        assert school.turn_kept(timedelta(days=1)) == []
        assert seats_machines(school, seat_id) == 2
    school.turn_kept(timedelta(days=2))
    assert request(school, request_id).state == VmRequestState.CANCELLED
    assert (school.keeping(keeping_id).state, school.is_empty()) == (KeepingState.OVER, True)
    with school.site.sessions() as db:
        assert [mail for mail in db.scalars(select(Mail)) if "own-server" in mail.subject and "seat" in mail.text]


def test_rolled_back_nothing_of_the_copy_is_left_and_the_seat_is_as_it_was(school: School) -> None:
    seat_id, keeping_id, request_id = asked(school)
    approve(school, request_id)
    with school.site.sessions() as db:
        keeping = school.keeping(keeping_id)
        assert keeping.seat is not None
        host = keeping.seat.host
    assert host is not None
    school.cluster.trouble(host.name, Trouble.HOST_DOWN)
    assert school.run() == "failed"
    assert request(school, request_id).state == VmRequestState.FAILED
    school.cluster.trouble(host.name)
    with school.site.write_sessions.begin() as db:
        owner = accounts.actor_of(request(school, request_id).submitted_by)
        vm_requests.roll_back(db, actor=owner, vm_request_id=request_id, now=school.now(), queue=school.queue)
    assert school.run() == "cancelled"
    with school.cluster.world() as world:
        assert world.copies == {}
    assert (seats_machines(school, seat_id), school.files(seat_id)) == (2, [MINE])
    assert school.turn_kept(WEEK + timedelta(hours=2)) == ["done"]
    assert school.is_empty()


def test_a_host_that_was_silent_is_asked_again(school: School) -> None:
    _seat_id, keeping_id, request_id = asked(school)
    approve(school, request_id)
    seat = school.keeping(keeping_id).seat
    assert seat is not None
    assert seat.host is not None
    school.cluster.trouble(seat.host.name, Trouble.HOST_DOWN)
    assert school.run() == "failed"
    school.cluster.trouble(seat.host.name)
    with school.site.write_sessions.begin() as db:
        owner = accounts.actor_of(request(school, request_id).submitted_by)
        vm_requests.retry(db, actor=owner, vm_request_id=request_id, now=school.now(), queue=school.queue)
    assert school.run() == "done"
    assert files(school, machine(school, request_id).id) == [MINE]
    with school.site.sessions() as db:
        assert db.get_one(OwnMachine, request_id).copied_at is not None


def test_what_cannot_be_cleaned_up_after_the_longest_time_is_tried_again_and_told_once(school: School) -> None:
    seat_id, keeping_id, request_id = asked(school)
    approve(school, request_id)
    seat = school.keeping(keeping_id).seat
    assert seat is not None
    assert seat.host is not None
    for host in ("hv1", "hv2", "hv3"):
        school.cluster.trouble(host, Trouble.HOST_DOWN)
    assert school.run() == "failed"
    school.wait(timedelta(days=21).total_seconds())
    assert school.turn_kept(timedelta(hours=3)) == ["failed"]  # of rolling back
    assert school.turn_kept(timedelta(minutes=1)) == []
    assert school.turn_kept(timedelta(minutes=6)) == ["failed"]
    for host in ("hv1", "hv2", "hv3"):
        school.cluster.trouble(host)
    assert school.turn_kept(timedelta(minutes=6)) == ["cancelled"]
    assert request(school, request_id).state == VmRequestState.CANCELLED
    school.turn_kept(timedelta(minutes=1))
    assert (school.is_empty(), school.keeping(keeping_id).state) == (True, KeepingState.OVER)
    assert seats_machines(school, seat_id) == 0
    with school.site.sessions() as db:
        letters = [mail for mail in db.scalars(select(Mail)) if "whose disk it needed" in mail.text]
    assert len(letters) == 1
