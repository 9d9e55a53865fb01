"""A kept seat stays after its class with all that is on it, boots again when power was cut, and is gone in the end."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from portal.backends.fake_cluster import Trouble
from portal.core.errors import Conflict
from portal.core.lifecycle import HostState, KeepingState, LabSessionState, SeatState
from portal.models import AuditEntry, Claim, Host, Invitation, Keeping, Mail, Seat, Student
from portal.services import accounts, class_clock, class_seats, kept_seats, reconcile, revivals
from portal.workflows.sequence import Hooks
from tests.factories.moments import NOW
from tests.workflows.school import TERMS, School, school

__all__ = ["school"]  # a fixture
MINE = "/home/mine"
WEEK = timedelta(days=7)


def opened(school: School, *, names: tuple[str, ...] = ("Ada", "Noor")) -> tuple[UUID, list[UUID]]:
    """A class that goes on, and the seats of these people."""
    class_id = school.book(seats=len(names), spares=1)
    school.prepare(class_id)
    school.open(class_id)
    taken = [school.sit_down(class_id, name) for name in names]
    return class_id, [seat_id for seat_id in taken if seat_id is not None]


def kept(school: School, *, days: int = 7) -> tuple[UUID, UUID, UUID]:
    """A class that is over, Ada's seat that is kept, and the keeping. Noor's seat is not kept."""
    class_id, (seat_id, _other) = opened(school)
    keeping_id = school.ask_to_keep(class_id, "Ada")
    school.grant(keeping_id, days)
    write(school, seat_id)
    assert school.end(class_id) == "done"
    return class_id, seat_id, keeping_id


def write(school: School, seat_id: UUID) -> None:
    with school.cluster.world() as world:
        for machine in world.machines.values():
            if machine.seat == str(seat_id):
                machine.files.append(MINE)


def seat(school: School, seat_id: UUID) -> Seat:
    with school.site.sessions() as db:
        return db.get_one(Seat, seat_id)


def claims(school: School) -> int:
    with school.site.sessions() as db:
        return len(list(db.scalars(select(Claim))))


def entries(school: School, action: str) -> list[AuditEntry]:
    with school.site.sessions() as db:
        return list(db.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


def standing(school: School) -> set[str]:
    with school.cluster.world() as world:
        return {machine.seat for machine in world.machines.values()} | set(world.seats)


def test_the_end_of_the_class_leaves_the_kept_seat_alone_and_nothing_else(school: School) -> None:
    class_id, seat_id, keeping_id = kept(school)
    assert standing(school) == {str(seat_id)}
    assert (seat(school, seat_id).state, school.keeping(keeping_id).state) == (SeatState.KEPT, KeepingState.KEPT)
    assert school.files(seat_id) == [MINE]
    assert school.session(class_id).state == LabSessionState.ENDED
    assert claims(school) == len(seat(school, seat_id).machines)


def test_the_lists_of_the_end_name_the_kept_seat_apart(school: School) -> None:
    class_id, seat_id, _keeping_id = kept(school)
    (before,), (after,) = entries(school, "lab_session.inventory"), entries(school, "lab_session.cleared")
    assert str(seat_id) not in str(before.details["hosts"])
    assert (after.details["hosts"], after.details["count"]) == ({}, 0)
    for entry in (before, after):
        assert f"folder {seat_id}" in str(entry.details["kept"])
    with school.site.sessions() as db:
        proof = class_seats.proof_of(db, class_id)
    assert proof is not None
    assert (proof.kept, proof.cleared_at is not None) == (1, True)


def test_the_clock_of_classes_leaves_a_kept_seat_alone(school: School) -> None:
    kept(school)
    school.wait(7200)
    with school.site.write_sessions.begin() as db:
        assert class_clock.end_due(db, queue=school.queue, now=school.now()) == 0


def test_when_its_time_is_over_it_is_gone_and_the_log_proves_it(school: School) -> None:
    _class_id, seat_id, keeping_id = kept(school)
    assert school.turn_kept(WEEK - timedelta(hours=1)) == []
    assert school.turn_kept(timedelta(hours=3)) == ["done"]
    assert school.is_empty()
    assert (claims(school), seat(school, seat_id).state) == (0, SeatState.GONE)
    assert (school.keeping(keeping_id).state, school.keeping(keeping_id).trouble) == (KeepingState.OVER, "")
    (before,), (after,) = entries(school, "keeping.inventory"), entries(school, "keeping.cleared")
    assert (before.details["count"] > 0, after.details["count"]) == (True, 0)
    assert school.turn_kept(WEEK) == []


def test_what_a_silent_host_keeps_is_tried_again_until_it_is_gone(school: School) -> None:
    _class_id, seat_id, keeping_id = kept(school)
    host = seat(school, seat_id).host
    assert host is not None
    school.cluster.trouble(host.name, Trouble.HOST_DOWN)
    assert school.turn_kept(WEEK + timedelta(hours=2)) == ["failed"]
    assert host.name in str(school.keeping(keeping_id).trouble_params)
    assert school.turn_kept(timedelta(seconds=10)) == []
    school.cluster.trouble(host.name)
    assert school.turn_kept(timedelta(minutes=2)) == ["done"]
    assert (school.is_empty(), school.keeping(keeping_id).trouble) == (True, "")


@pytest.mark.parametrize("checkpoint", range(1, 10))
def test_a_worker_that_dies_while_it_ends_is_followed_by_one_that_finishes(school: School, checkpoint: int) -> None:
    _class_id, _seat_id, _keeping_id = kept(school)
    school.wait((WEEK + timedelta(hours=2)).total_seconds())
    with school.site.write_sessions.begin() as db:
        assert kept_seats.end_due(db, queue=school.queue, now=school.now(), terms=TERMS) == 1
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
    assert (school.is_empty(), claims(school)) == (True, 0)
    assert [len(entries(school, action)) for action in ("keeping.inventory", "keeping.cleared")] == [1, 1]


def test_its_teacher_ends_it_early(school: School) -> None:
    class_id, _seat_id, keeping_id = kept(school)
    with school.site.write_sessions.begin() as db:
        actor = accounts.actor_of(db.merge(school.session(class_id)).teacher)
        kept_seats.end_early(db, actor=actor, keeping_id=keeping_id, queue=school.queue, now=school.now())
    assert school.run() == "done"
    assert school.is_empty()


def test_its_student_gives_it_back(school: School) -> None:
    _class_id, _seat_id, keeping_id = kept(school)
    with school.site.write_sessions.begin() as db:
        student = db.get_one(Student, school.keeping(keeping_id).student_id)
        kept_seats.give_back(db, student=student, queue=school.queue, now=school.now())
        with pytest.raises(Conflict):
            kept_seats.give_back(db, student=student, queue=school.queue, now=school.now())
    assert school.run() == "done"
    assert school.is_empty()


def test_a_student_who_moved_to_a_spare_seat_keeps_that_one(school: School) -> None:
    class_id, (seat_id, _other) = opened(school)
    keeping_id = school.ask_to_keep(class_id, "Ada")
    school.grant(keeping_id)
    host = seat(school, seat_id).host
    assert host is not None
    school.cluster.trouble(host.name, Trouble.HOST_DOWN)
    school.reset(seat_id)
    school.cluster.trouble(host.name)
    school.end(class_id)
    assert school.keeping(keeping_id).seat_id not in (None, seat_id)
    assert standing(school) == {str(school.keeping(keeping_id).seat_id)}


def test_a_seat_that_is_made_anew_when_the_class_ends_is_not_kept_and_its_student_knows_why(school: School) -> None:
    class_id, (seat_id, _other) = opened(school)
    keeping_id = school.ask_to_keep(class_id, "Ada")
    school.grant(keeping_id)
    with school.site.write_sessions.begin() as db:
        db.execute(update(Seat).where(Seat.id == seat_id).values(state=SeatState.BUILDING))
    school.end(class_id)
    assert (school.is_empty(), school.keeping(keeping_id).state) == (True, KeepingState.OVER)
    assert school.keeping(keeping_id).trouble == kept_seats.NO_MACHINES


def test_who_got_no_answer_reads_that_nobody_answered(school: School) -> None:
    class_id, _seats = opened(school)
    keeping_id = school.ask_to_keep(class_id, "Ada")
    school.end(class_id)
    assert (school.is_empty(), school.keeping(keeping_id).trouble) == (True, kept_seats.NOT_ANSWERED)


# when machines are off


def test_after_a_power_cut_it_boots_again_from_its_disks_and_its_student_is_told(school: School) -> None:
    _class_id, seat_id, _keeping_id = kept(school)
    host = seat(school, seat_id).host
    assert host is not None
    assert school.turn_kept(timedelta(minutes=1)) == []
    school.cluster.cut_power(host.name)
    assert school.turn_kept(timedelta(minutes=1)) == ["done"]
    assert school.files(seat_id) == [MINE]
    assert "booted again from their disks" in seat(school, seat_id).trouble
    assert school.turn_kept(timedelta(minutes=1)) == []
    assert len(entries(school, "keeping.revived")) == 1


def lose(school: School, host: str) -> None:
    school.cluster.cut_power(host)
    school.cluster.trouble(host, Trouble.HOST_DOWN)
    with school.site.write_sessions.begin() as db:
        db.execute(update(Host).where(Host.name == host).values(trouble="silent"))


def test_a_kept_seat_whose_template_vanished_boots_again_and_ends(school: School) -> None:
    _class_id, seat_id, keeping_id = kept(school)
    host = seat(school, seat_id).host
    assert host is not None
    school.lose_templates()
    school.cluster.cut_power(host.name)
    assert school.turn_kept(timedelta(minutes=1)) == ["done"]
    assert school.files(seat_id) == [MINE]
    assert school.turn_kept(WEEK + timedelta(hours=2)) == ["done"]
    assert school.keeping(keeping_id).state == KeepingState.OVER
    assert school.is_empty()


def test_the_seat_of_a_lost_host_boots_on_another_one(school: School) -> None:
    _class_id, seat_id, _keeping_id = kept(school)
    host = seat(school, seat_id).host
    assert host is not None
    lose(school, host.name)
    assert school.turn_kept(timedelta(minutes=1)) == []  # silent only: it may run there
    with school.site.write_sessions.begin() as db:
        db.execute(update(Host).where(Host.name == host.name).values(state=HostState.LOST))
    assert school.turn_kept(timedelta(minutes=1)) == ["done"]
    now = seat(school, seat_id).host
    assert now is not None
    assert (now.name != host.name, school.files(seat_id)) == (True, [MINE])
    with school.site.sessions() as db:
        assert {claim.host_id for claim in db.scalars(select(Claim))} == {now.id}
    assert school.turn_kept(WEEK + timedelta(hours=2)) == ["done"]
    assert school.is_empty()


def test_what_does_not_boot_is_tried_again_and_its_student_knows(school: School) -> None:
    _class_id, seat_id, _keeping_id = kept(school)
    host = seat(school, seat_id).host
    assert host is not None
    school.cluster.cut_power(host.name)
    with school.site.sessions() as db:
        kept_seat = db.get_one(Seat, seat_id)
    school.wait(60)
    with school.site.write_sessions.begin() as db:
        assert revivals.begin(db, [kept_seat.id], queue=school.queue, now=school.now()) == 1
    school.cluster.trouble(host.name, Trouble.HOST_DOWN)
    assert school.run() == "failed"
    assert "could not be booted again yet" in seat(school, seat_id).trouble
    school.cluster.trouble(host.name)
    assert school.turn_kept(timedelta(minutes=1)) == []
    assert school.turn_kept(timedelta(minutes=5)) == ["done"]
    assert school.files(seat_id) == [MINE]


def test_a_seat_that_ends_while_it_is_off_is_gone_too(school: School) -> None:
    _class_id, seat_id, _keeping_id = kept(school)
    host = seat(school, seat_id).host
    assert host is not None
    school.cluster.cut_power(host.name)
    with school.site.write_sessions.begin() as db:
        db.execute(update(Host).where(Host.name == host.name).values(trouble="silent"))
    assert school.turn_kept(WEEK + timedelta(hours=2)) == ["done"]
    assert school.is_empty()


# what others see of it


def test_reconciling_finds_no_stray(school: School) -> None:
    _class_id, seat_id, _keeping_id = kept(school)
    with school.site.write_sessions() as db:
        found = reconcile.compare(db, hypervisor=school.site.hypervisor).findings
    assert [finding for finding in found if finding.vm_id == seat_id or "seat" in finding.kind] == []


def test_a_day_before_the_end_who_left_an_address_gets_a_letter_once(school: School) -> None:
    class_id, _seat_id, keeping_id = kept(school)
    with school.site.write_sessions.begin() as db:
        student_id = db.get_one(Keeping, keeping_id).student_id
        db.add(
            Invitation(
                lab_session_id=class_id, name="Ada", email="ada@example.org", key_hash="x", made_at=NOW,
                student_id=student_id,
            )
        )  # fmt: skip
    school.turn_kept(WEEK - timedelta(days=2))
    school.turn_kept(timedelta(days=1, hours=2))
    school.turn_kept(timedelta(minutes=10))
    with school.site.sessions() as db:
        (mail,) = [mail for mail in db.scalars(select(Mail)) if mail.receiver == "ada@example.org"]
    assert "First steps" in mail.subject
