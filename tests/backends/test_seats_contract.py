"""What playbooks, hypervisor and doors promise of seats, asked of the real ones and of those that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from portal.core.errors import GuestSilent, MachineMissing
from portal.interfaces import SeatReach, SeatTraces
from tests.backends.seats import IMAGE, Classroom, fake_classroom, ready_class, real_classroom
from tests.minicluster.fixtures import run_on_host

FAKE = pytest.param("fake")
REAL = pytest.param("real", marks=[pytest.mark.minicluster, pytest.mark.root])
only_real = pytest.mark.parametrize("classroom", [REAL], indirect=True)


@pytest.fixture(scope="module", params=[FAKE, REAL])
def classroom(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """Three warm seats, made once for this file's tests; each breaks only what it names."""
    making = (
        fake_classroom(tmp_path_factory.mktemp("fake"))
        if request.param == "fake"
        else real_classroom(request.getfixturevalue("minicluster"))
    )
    with making as classroom:
        ready_class(classroom)
        yield classroom


def test_seats_made_twice_stay_as_they_are(classroom: Classroom) -> None:
    orders = [classroom.warm(number) for number in (1, 2, 3)]
    again = classroom.make(*orders)
    assert {(o.ok, o.changed, o.message) for o in again.values()} == {(True, False, "as it should be")}


def test_saving_twice_changes_nothing(classroom: Classroom) -> None:
    again = classroom.save(classroom.order(0), IMAGE)
    assert (again.ok, again.changed, again.message) == (True, False, "was saved already")


def test_machines_of_seats_are_known_but_in_nobody_else_s_list(classroom: Classroom) -> None:
    web = classroom.warm(1).machines[0]
    seen = classroom.hypervisor.machine(classroom.host, web.vm_id)
    assert (seen.name, seen.ours) == (web.name, False)
    assert web.vm_id not in {machine.vm_id for machine in classroom.hypervisor.machines(classroom.host)}
    assert web.vm_id not in classroom.hypervisor.leftovers(classroom.host).vm_folders


def test_the_host_shows_every_seat_and_none_of_the_saved_one(classroom: Classroom) -> None:
    traces = classroom.hypervisor.seat_traces(classroom.host)
    seats = {classroom.warm(number).seat_id for number in (1, 2, 3)}
    assert traces.seats == seats
    assert traces.machines == traces.folders == traces.namespaces == traces.sockets == seats


def test_a_command_in_a_guest_ends_with_its_code(classroom: Classroom) -> None:
    order = classroom.warm(1)
    assert classroom.sh(order, "test -f /root/not-there").exit_code == 1
    assert classroom.sh(order, "touch /root/there").exit_code == 0
    assert classroom.sh(order, "test -f /root/there").exit_code == 0
    assert classroom.sh(order, "test -f /root/there", machine=1).exit_code == 1


def test_a_guest_that_is_not_there_is_missing(classroom: Classroom) -> None:
    with pytest.raises(MachineMissing):
        classroom.hypervisor.run_in_guest(classroom.host, UUID(int=1), ["/bin/true"], timeout_s=1)


def test_a_door_shows_the_page_behind_it(classroom: Classroom) -> None:
    seat_id, host = classroom.warm(1).seat_id, classroom.host
    answer = classroom.doors.get(host, seat_id, "web", path="/")
    assert (answer.open, answer.status) == (True, 200)
    assert "<h1>web</h1>" in answer.body
    assert classroom.doors.probe(host, seat_id, "web")


def test_doors_that_nobody_made_and_doors_of_nobody_are_closed(classroom: Classroom) -> None:
    host = classroom.host
    for seat_id, door in ((classroom.warm(1).seat_id, "../web"), (UUID(int=1), "web")):
        assert not classroom.doors.probe(host, seat_id, door)
        assert not classroom.doors.get(host, seat_id, door, path="/").open


def test_one_look_shows_for_many_seats_who_answers_and_which_doors_are_open(classroom: Classroom) -> None:
    doors = {classroom.warm(number).seat_id: ["web"] for number in (1, 2, 3)}
    found = classroom.doors.look_in(classroom.host, {**doors, UUID(int=1): ["web"]}, timeout_s=5)
    assert found == dict.fromkeys(doors, SeatReach(open=frozenset({"web"})))
    assert classroom.doors.look_in(classroom.host, {}) == {}


def test_the_host_shows_all_machines_that_run_those_of_seats_too(classroom: Classroom) -> None:
    there = {machine.vm_id for number in (1, 2, 3) for machine in classroom.warm(number).machines}
    assert there <= classroom.hypervisor.running(classroom.host)
    assert not classroom.hypervisor.running(classroom.host) & {one.vm_id for one in classroom.order(0).machines}


def test_a_reset_gives_new_machines_and_leaves_the_neighbours_alone(classroom: Classroom) -> None:
    mine, other = classroom.warm(2), classroom.warm(3)
    for order in (mine, other):
        classroom.sh(order, "touch /root/mine")
    outcome = classroom.make(replace(mine, fresh=True))[mine.seat_id]
    assert outcome.message == "thrown away, restored from memory, running"
    classroom.wait_until_ready(mine)
    assert classroom.sh(mine, "test -f /root/mine").exit_code == 1
    assert classroom.sh(other, "test -f /root/mine").exit_code == 0


def test_machines_that_died_boot_again_with_what_was_on_their_disks(classroom: Classroom) -> None:
    order = classroom.warm(3)
    assert classroom.sh(order, "touch /root/mine").exit_code == 0
    classroom.sh(order, "sync")
    classroom.die(order)
    with pytest.raises(MachineMissing):
        classroom.hypervisor.machine(classroom.host, order.machines[0].vm_id)
    cold = replace(order, image=None)
    outcome = classroom.make(cold)[order.seat_id]
    assert outcome.ok, outcome.message
    assert "started" in outcome.message
    classroom.wait_until_ready(cold)
    assert classroom.sh(order, "test -e /root/mine").exit_code == 0


def test_an_own_machine_has_what_was_on_the_disk_of_a_seat_and_needs_the_seat_no_more(classroom: Classroom) -> None:
    order, own = classroom.warm(2), classroom.own_machine()
    assert classroom.clone(own).message == "the copy of the seat's disk is not there"
    assert classroom.sh(order, "touch /root/work").exit_code == 0
    try:
        copied = classroom.copy_disk(order, own)
        assert (copied.ok, copied.changed, copied.message) == (True, True, "shut down, disk copied")
        with pytest.raises(MachineMissing):
            classroom.hypervisor.machine(classroom.host, order.machines[0].vm_id)
        again = classroom.copy_disk(order, own)
        assert (again.ok, again.changed, again.message) == (True, False, "as it should be")
        assert classroom.make(replace(order, image=None))[order.seat_id].ok
        classroom.remove(2)
        assert classroom.clone(own).ok
        classroom.wait_until_answers(own.vm_id)
        assert classroom.in_guest(own.vm_id, "test -f /root/work").exit_code == 0
        if classroom.inventory is not None:
            assert classroom.in_guest(own.vm_id, "hostname").output.strip() == own.name
            waits = "for i in $(seq 60); do ip -4 addr | grep -q 'inet %s/' && exit 0; sleep 0.5; done; exit 1"
            answer = classroom.in_guest(own.vm_id, waits % own.address, timeout_s=40)  # its agent is there before it
            assert answer.exit_code == 0
    finally:
        classroom.retire(own)
        classroom.token += 1
        classroom.make(replace(order, fresh=True))
        classroom.wait_until_ready(order)
    assert own.vm_id not in classroom.hypervisor.leftovers(classroom.host).vm_folders


def test_a_late_worker_copies_no_disk(classroom: Classroom) -> None:
    order, own = classroom.warm(1), classroom.own_machine()
    classroom.token = 9
    assert classroom.make(order)[order.seat_id].ok
    classroom.token = 8
    late = classroom.copy_disk(order, own)
    classroom.token = 9
    classroom.retire(own)
    assert (late.ok, late.message) == (False, "another worker has taken over this machine")
    assert classroom.hypervisor.machine(classroom.host, order.machines[0].vm_id)


def test_a_late_worker_is_kept_out(classroom: Classroom) -> None:
    order = classroom.warm(1)
    classroom.token = 15
    assert classroom.make(order)[order.seat_id].ok
    classroom.token = 14
    late = {**classroom.make(replace(order, fresh=True)), **classroom.remove(1)}
    classroom.token = 15
    assert late[order.seat_id].message == "another worker has taken over this machine"
    assert order.seat_id in classroom.hypervisor.seat_traces(classroom.host).machines


def test_one_bad_seat_does_not_stop_the_others(classroom: Classroom) -> None:
    good, bad = classroom.warm(1), classroom.order(9, image="ab" * 16)
    outcomes = classroom.make(bad, good)
    classroom.remove(9)
    assert outcomes[good.seat_id].ok
    assert outcomes[bad.seat_id].message == f"the saved machines {'ab' * 16} are not on this host's storage"


@only_real
def test_machines_of_a_seat_reach_each_other_by_name_and_nothing_else(classroom: Classroom) -> None:
    order, host = classroom.warm(1), classroom.host
    assert classroom.sh(order, "ping -c 1 -W 3 pacs").exit_code == 0
    assert classroom.sh(order, f"ping -c 1 -W 1 {host.address}").exit_code != 0
    # a neighbour's address, with an address of the host's network in hand
    stray = (
        f"ip addr add 10.77.0.99/24 dev eth0; ping -c 1 -W 1 {host.address}; r=$?; ip addr del 10.77.0.99/24 dev eth0"
    )
    assert classroom.sh(order, f"{stray}; exit $r").exit_code != 0
    assert classroom.sh(order, "ip route | grep default").exit_code != 0


@only_real
def test_seats_with_the_same_addresses_do_not_meet(classroom: Classroom) -> None:
    classroom.sh(classroom.warm(1), "umask 022; echo first >/srv/www/who")
    classroom.sh(classroom.warm(2), "umask 022; echo second >/srv/www/who")
    seen = [
        classroom.doors.get(classroom.host, classroom.warm(number).seat_id, "web", path="/who").body
        for number in (1, 2)
    ]
    assert seen == ["first\n", "second\n"]


@only_real
def test_a_door_to_a_closed_port_is_closed(classroom: Classroom) -> None:
    seat_id = classroom.warm(1).seat_id
    assert not classroom.doors.probe(classroom.host, seat_id, "shut")
    assert not classroom.doors.get(classroom.host, seat_id, "shut", path="/").open


@only_real
def test_a_look_tells_a_closed_port_from_an_open_one_and_names_who_is_cut_off(classroom: Classroom) -> None:
    order = classroom.warm(3)
    wanted = {order.seat_id: ["web", "shut"]}
    assert classroom.doors.look_in(classroom.host, wanted)[order.seat_id].open == {"web"}
    classroom.sh(order, "ip link set eth0 down", machine=1)
    assert classroom.doors.look_in(classroom.host, wanted)[order.seat_id].silent == {"pacs"}
    classroom.sh(order, "ip link set eth0 up", machine=1)


@only_real
def test_a_program_that_does_not_end_is_ended_in_the_guest(classroom: Classroom) -> None:
    with pytest.raises(GuestSilent):
        classroom.sh(classroom.warm(1), "exec sleep 300", timeout_s=0.5)
    assert classroom.sh(classroom.warm(1), "pidof sleep").exit_code == 1


def test_removing_leaves_nothing(classroom: Classroom) -> None:
    gone = classroom.remove(1, 2, 3)
    assert {(o.ok, o.message) for o in gone.values()} == {(True, "removed")}
    assert classroom.hypervisor.seat_traces(classroom.host) == SeatTraces(*[frozenset()] * 4)
    assert {o.message for o in classroom.remove(1).values()} == {"was not there"}
    if classroom.inventory is not None:
        left = run_on_host(classroom.inventory, classroom.host, "ls /sys/class/net; ps ax -o args")
        assert not [line for line in left.splitlines() if line.startswith(("vs", "dnsmasq", "socat", "seat-"))]
