"""How long a machine stays and whose it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from portal.core.lifecycle import VmState
from portal.interfaces import Power
from portal.models import Account, Mail, Vm, VmRequest, VmUser
from portal.services import leases
from portal.services.leases import LeaseAction
from portal.site import Site
from tests.factories.moments import TODAY
from tests.web.conftest import CheckingClient, FixedClock, People, RememberingQueue
from tests.web.hypervisor import KeptMachines


def load(site: Site, machine: UUID) -> Vm:
    with site.sessions() as db:
        return db.get_one(Vm, machine)


def link(site: Site, machine: UUID, action: LeaseAction) -> str:
    return f"/leases/{leases.lease_link(site.settings.secret_key, vm=load(site, machine), action=action)}"


def test_a_longer_stay_within_policy_holds_at_once(ada: CheckingClient, machine: UUID, site: Site) -> None:
    ends_on = TODAY + timedelta(days=90)
    answer = ada.send(f"/vms/{machine}/extend", {"ends_on": ends_on.isoformat()})
    assert answer.location == f"/vms/{machine}"
    assert load(site, machine).expires_at.date() == ends_on


def test_the_form_proposes_a_day_that_holds_at_once(ada: CheckingClient, machine: UUID, site: Site) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(Vm, machine).expires_at = FixedClock().at + timedelta(days=170)
    page = ada.get(f"/vms/{machine}/extend").text
    last = (TODAY + timedelta(days=180)).isoformat()
    assert f'value="{last}"' in page


def test_a_parked_machine_shows_when_its_time_ends_and_until_when_its_disk_is_kept(
    ada: CheckingClient, machine: UUID, site: Site
) -> None:
    with site.write_sessions.begin() as db:
        vm = db.get_one(Vm, machine)
        vm.state, vm.parked_at = VmState.PARKED, FixedClock().at
        vm.expires_at = datetime(2026, 5, 10, 12, tzinfo=UTC)
    for page in (f"/vms/{machine}", f"/vms/{machine}/park"):
        text = ada.get(page).text
        assert "10 May 2026" in text
        assert "24 May 2026" in text


def test_a_machine_in_its_grace_time_shows_when_its_disk_goes(ada: CheckingClient, machine: UUID, site: Site) -> None:
    with site.write_sessions.begin() as db:
        vm = db.get_one(Vm, machine)
        vm.state, vm.parked_at = VmState.PARKED, FixedClock().at
        vm.retire_at = datetime(2026, 3, 16, 12, tzinfo=UTC)
    assert "16 March 2026" in ada.get(f"/vms/{machine}").text


def test_a_stay_beyond_policy_becomes_a_request(ada: CheckingClient, machine: UUID, site: Site) -> None:
    far = (TODAY + timedelta(days=300)).isoformat()
    answer = ada.send(f"/vms/{machine}/extend", {"ends_on": far, "reason": "El curso dura todo el año"})
    assert answer.location.startswith("/vm-requests/")
    with site.sessions() as db:
        assert db.query(VmRequest).filter_by(vm_id=machine).count() == 1


def test_a_stay_beyond_policy_without_a_reason_says_what_is_missing(ada: CheckingClient, machine: UUID) -> None:
    answer = ada.send(f"/vms/{machine}/extend", {"ends_on": (TODAY + timedelta(days=300)).isoformat()})
    assert answer.status_code == 422
    assert 'id="error-summary"' in answer.text


def test_a_day_that_is_none_keeps_the_reason_that_was_typed(ada: CheckingClient, machine: UUID) -> None:
    answer = ada.send(f"/vms/{machine}/extend", {"ends_on": "mañana", "reason": "Por el curso"})
    assert answer.status_code == 422
    assert "Por el curso" in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_handing_over_changes_the_owner(ada: CheckingClient, machine: UUID, site: Site, people: People) -> None:
    ada.send(f"/vms/{machine}/hand-over", {"account_id": str(people.tom)})
    assert load(site, machine).owner_id == people.tom


def test_nobody_is_chosen_to_get_a_machine_before_the_person_chooses(ada: CheckingClient, machine: UUID) -> None:
    text = ada.get(f"/vms/{machine}/hand-over").text
    assert '<option value="">' in text
    assert "selected value=" not in text.replace('selected value=""', "")
    assert ada.get(f"/vms/{machine}/hand-over?account_id=").status_code == 422


def test_handing_over_asks_once_more_and_names_the_person(
    ada: CheckingClient, machine: UUID, site: Site, people: People
) -> None:
    with site.sessions() as db:
        name = db.get_one(Account, people.tom).name
    assert name in ada.get(f"/vms/{machine}/hand-over?account_id={people.tom}").text
    assert load(site, machine).owner_id == people.ada


def test_whoever_gets_a_machine_is_told_by_mail(ada: CheckingClient, machine: UUID, site: Site, people: People) -> None:
    ada.send(f"/vms/{machine}/hand-over", {"account_id": str(people.tom)})
    with site.sessions() as db:
        mail = db.query(Mail).one()
        assert (mail.account_id, "moodle-farmacia" in mail.subject) == (people.tom, True)


def test_a_student_who_was_handed_a_machine_opens_its_page(
    client: CheckingClient, machine: UUID, site: Site, people: People
) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(Vm, machine).owner_id = people.sam
    client.log_in("sam")
    assert client.get(f"/vms/{machine}").status_code == 200
    assert client.get(f"/vms/{machine}/hand-over").status_code == 200


def test_nothing_is_handed_over_to_another_department(
    ada: CheckingClient, machine: UUID, site: Site, people: People
) -> None:
    answer = ada.send(f"/vms/{machine}/hand-over", {"account_id": str(people.eve)})
    assert answer.status_code == 422
    assert load(site, machine).owner_id == people.ada


def test_sharing_and_ending_it(ada: CheckingClient, machine: UUID, site: Site, people: People) -> None:
    ada.send(f"/vms/{machine}/users", {"account_id": str(people.sam)})
    with site.sessions() as db:
        assert db.get(VmUser, (machine, people.sam)) is not None
    ada.send(f"/vms/{machine}/users/{people.sam}/remove")
    with site.sessions() as db:
        assert db.get(VmUser, (machine, people.sam)) is None


def test_parking_asks_first_and_then_shuts_down(
    ada: CheckingClient, machine: UUID, site: Site, hypervisor: KeptMachines
) -> None:
    assert ada.get(f"/vms/{machine}/park").status_code == 200
    assert load(site, machine).state == VmState.RUNNING
    ada.send(f"/vms/{machine}/park")
    assert hypervisor.power[machine] == Power.OFF
    assert load(site, machine).parking_since is not None


def test_parking_what_is_off_is_done_at_once(
    ada: CheckingClient, machine: UUID, site: Site, hypervisor: KeptMachines
) -> None:
    hypervisor.power[machine] = Power.OFF
    ada.send(f"/vms/{machine}/park")
    assert load(site, machine).state == VmState.PARKED


def test_giving_back_asks_first_and_then_queues_the_work(ada: CheckingClient, machine: UUID, site: Site) -> None:
    queue = site.queue
    assert isinstance(queue, RememberingQueue)
    assert "moodle-farmacia" in ada.get(f"/vms/{machine}/retire").text
    assert queue.enqueued == []
    ada.send(f"/vms/{machine}/retire")
    assert [workflow for workflow, _id, _subject in queue.enqueued] == ["retire"]


def test_a_student_may_not_give_back_what_was_shared(
    client: CheckingClient, machine: UUID, site: Site, people: People
) -> None:
    with site.write_sessions.begin() as db:
        db.add(VmUser(vm_id=machine, account_id=people.sam, added_at=FixedClock().at))
    client.log_in("sam")
    assert client.get(f"/vms/{machine}").status_code == 200
    assert client.send(f"/vms/{machine}/retire").status_code == 403


def test_the_links_of_a_mail_lead_to_the_pages_that_ask(ada: CheckingClient, machine: UUID, site: Site) -> None:
    pages = {LeaseAction.KEEP: "extend", LeaseAction.PARK: "park", LeaseAction.HAND_OVER: "hand-over"}
    for action, page in pages.items():
        assert ada.get(link(site, machine, action)).location == f"/vms/{machine}/{page}"
    assert load(site, machine).state == VmState.RUNNING


def test_a_link_asks_to_log_in_first_and_leads_on(client: CheckingClient, machine: UUID, site: Site) -> None:
    address = link(site, machine, LeaseAction.PARK)
    assert client.get(address).location.startswith("/login?next=/leases/")


def test_a_link_that_somebody_changed_leads_nowhere(ada: CheckingClient, machine: UUID, site: Site) -> None:
    address = link(site, machine, LeaseAction.PARK)
    assert ada.get(address.replace("/leases/W", "/leases/X")).status_code == 404


def test_a_link_ends_when_the_lease_is_extended(ada: CheckingClient, machine: UUID, site: Site) -> None:
    address = link(site, machine, LeaseAction.KEEP)
    ada.send(f"/vms/{machine}/extend", {"ends_on": date(2026, 6, 30).isoformat()})
    assert ada.get(address).status_code == 404
