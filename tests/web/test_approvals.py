"""The queue and the decision card: facts beside the button, once, never one's own, with a reason when denied."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from portal.core.lifecycle import VmRequestState
from portal.core.policy import Role
from portal.core.templates import Range, Size, Words
from portal.models import Account, Membership, Template, VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import approvals
from portal.services.accounts import actor_of
from portal.site import Site
from tests.factories import make_vm
from tests.factories.cluster import spec_data
from tests.web.conftest import NOW, CheckingClient, People
from tests.web.ordering import request_of, stock


@pytest.fixture(autouse=True)
def stocked(site: Site) -> None:
    stock(site)


def text_of(client: CheckingClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def stored(site: Site, vm_request: VmRequest) -> VmRequest:
    with site.sessions() as db:
        return db.get_one(VmRequest, vm_request.id)


def decide_as(site: Site, who: UUID, vm_request: VmRequest) -> None:
    with site.write_sessions.begin() as db:
        actor = actor_of(db.get_one(Account, who))
        approvals.approve(db, actor=actor, vm_request_id=vm_request.id, queue=site.queue, now=NOW)


def test_the_queue_shows_the_oldest_first(grace: CheckingClient, site: Site, people: People) -> None:
    request_of(site, people.ada, name="second", submitted_at=NOW)
    request_of(site, people.tom, name="first-one", submitted_at=NOW - timedelta(hours=3))
    text = text_of(grace, "/approvals")
    assert text.index("first-one") < text.index("second")


def test_an_empty_queue_says_so_kindly(grace: CheckingClient) -> None:
    assert "Nothing waits for you" in text_of(grace, "/approvals")


def test_ones_own_request_is_shown_and_cannot_be_chosen(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.grace)
    text = text_of(grace, "/approvals")
    assert "Your own" in text
    assert f'value="{vm_request.id}"' not in text


def test_the_queue_flags_what_deserves_a_second_look(grace: CheckingClient, site: Site, people: People) -> None:
    request_of(site, people.ada, ends_on=date(2027, 2, 1))
    assert "Long lease" in text_of(grace, "/approvals")


def test_the_card_has_the_facts(grace: CheckingClient, site: Site, people: People) -> None:
    text = text_of(grace, f"/approvals/{request_of(site, people.ada, copies=3).id}")
    for fact in ("Ada", "A wiki for the ward", "Simple wiki × 3", "up to 30 people", "7 of 10 left", "It fits"):
        assert fact in text


def test_approving_queues_the_work_once(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    answer = grace.send(f"/approvals/{vm_request.id}/approve", {"comment": "Enjoy"})
    assert (answer.status_code, answer.location) == (303, "/approvals")
    assert stored(site, vm_request).state == VmRequestState.APPROVED
    assert stored(site, vm_request).decision_comment == "Enjoy"
    assert len(site.queue.enqueued) == 1  # type: ignore[attr-defined]


def test_approving_with_less_takes_what_is_given(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada, copies=3, size="large", vcpus=2, memory_mib=4096, disk_gib=40)
    grace.send(f"/approvals/{vm_request.id}/approve", {"size": "small", "copies": "2", "ends_on": "2026-04-30"})
    decided = stored(site, vm_request)
    assert (decided.size, decided.copies, decided.ends_on) == ("small", 2, date(2026, 4, 30))
    assert decided.memory_mib == 1024


def roomy(site: Site) -> None:
    """The wiki's small size leaves room for one processor more."""
    with site.write_sessions.begin() as db:
        size = Size("small", Words("pequeña", "small"), Range(1, 1, 2), Range(1024, 1024, 1024), Range(10, 10, 10))
        db.get_one(Template, "dokuwiki").spec = spec_data(sizes=(size,))


def test_a_quantity_is_moved_where_the_size_leaves_room(grace: CheckingClient, site: Site, people: People) -> None:
    roomy(site)
    vm_request = request_of(site, people.ada)
    text = text_of(grace, f"/approvals/{vm_request.id}")
    assert "Between 1 and 2 for this size." in text
    assert 'name="memory_mib"' not in text
    grace.send(f"/approvals/{vm_request.id}/approve", {"vcpus": "2"})
    assert stored(site, vm_request).vcpus == 2
    assert "small (2 processors, 1 GB, 10 GB of disk)" in text_of(grace, f"/vm-requests/{vm_request.id}")


def test_a_quantity_beyond_its_limits_is_refused_beside_it(grace: CheckingClient, site: Site, people: People) -> None:
    roomy(site)
    vm_request = request_of(site, people.ada)
    answer = grace.send(f"/approvals/{vm_request.id}/approve", {"vcpus": "3"})
    assert answer.status_code == 422
    assert 'id="vcpus-error"' in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("field", "typed"),
    [("copies", "9"), ("copies", "none"), ("ends_on", "2027-01-01"), ("ends_on", "31/31/2026")],
)
def test_more_than_was_asked_is_refused_beside_the_field(
    grace: CheckingClient, site: Site, people: People, field: str, typed: str
) -> None:
    vm_request = request_of(site, people.ada, copies=2)
    answer = grace.send(f"/approvals/{vm_request.id}/approve", {"copies": "2", field: typed})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.get_data(as_text=True)
    assert stored(site, vm_request).state == VmRequestState.SUBMITTED


def test_a_larger_size_is_not_offered_and_not_taken(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    assert "up to 100 people" not in text_of(grace, f"/approvals/{vm_request.id}")
    assert grace.send(f"/approvals/{vm_request.id}/approve", {"size": "large"}).status_code == 422


def test_denying_needs_a_reason(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    answer = grace.send(f"/approvals/{vm_request.id}/deny", {"reason": "   "})
    assert answer.status_code == 422
    assert 'id="reason-error"' in answer.get_data(as_text=True)
    assert stored(site, vm_request).state == VmRequestState.SUBMITTED


def test_denying_keeps_the_reason(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    assert grace.send(f"/approvals/{vm_request.id}/deny", {"reason": "There is one already."}).status_code == 303
    assert stored(site, vm_request).state == VmRequestState.DENIED
    assert stored(site, vm_request).decision_comment == "There is one already."


def test_nobody_decides_on_their_own_request(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.grace)
    text = text_of(grace, f"/approvals/{vm_request.id}")
    assert "Nobody decides on their own request." in text
    assert "/approve" not in text
    assert grace.send(f"/approvals/{vm_request.id}/approve").status_code == 403
    assert grace.send(f"/approvals/{vm_request.id}/deny", {"reason": "because"}).status_code == 403
    assert stored(site, vm_request).state == VmRequestState.SUBMITTED


def test_the_administrator_decides_but_not_on_their_own(alan: CheckingClient, site: Site, people: People) -> None:
    own, other = request_of(site, people.alan), request_of(site, people.ada, name="other")
    assert alan.send(f"/approvals/{own.id}/approve").status_code == 403
    assert alan.send(f"/approvals/{other.id}/approve").status_code == 303


def test_the_second_approver_reads_who_was_first(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    decide_as(site, people.alan, vm_request)
    for action, data in (("approve", {}), ("deny", {"reason": "because"})):
        answer = grace.send(f"/approvals/{vm_request.id}/{action}", data)
        assert answer.location == f"/approvals/{vm_request.id}"
        assert "Already decided by Alan at" in text_of(grace, answer.location)
    assert len(site.queue.enqueued) == 1  # type: ignore[attr-defined]


def test_what_the_cluster_cannot_carry_is_said_on_the_card(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada, memory_mib=30 * 1024)
    assert "does not fit" in text_of(grace, f"/approvals/{vm_request.id}")
    answer = grace.send(f"/approvals/{vm_request.id}/approve")
    assert answer.location == f"/approvals/{vm_request.id}"
    assert "The cluster cannot take this" in text_of(grace, answer.location)
    assert stored(site, vm_request).state == VmRequestState.SUBMITTED


def test_several_are_approved_at_once_each_with_its_outcome(grace: CheckingClient, site: Site, people: People) -> None:
    good = request_of(site, people.ada, name="good-one")
    own = request_of(site, people.grace, name="own-one")
    late = request_of(site, people.tom, name="late-one")
    decide_as(site, people.alan, late)
    answer = grace.send(
        "/approvals/approve-selected", {"chosen": [str(good.id), str(own.id), str(late.id), str(uuid4()), "nonsense"]}
    )
    text = text_of(grace, answer.location)
    assert text.count('class="outcome-good"') == 1
    assert text.count('class="outcome-bad"') == 3
    assert "Already decided by Alan" in text
    assert stored(site, good).state == VmRequestState.APPROVED
    assert stored(site, own).state == VmRequestState.SUBMITTED


def test_the_outcome_says_what_follows_for_more_time_and_for_a_later_day(
    grace: CheckingClient, site: Site, people: People
) -> None:
    with site.write_sessions.begin() as db:
        vm = make_vm(db, owner=db.get_one(Account, people.ada))
    later = request_of(site, people.ada, name="later-one", starts_on=NOW.date() + timedelta(days=3))
    longer = request_of(site, people.ada, name="longer-one", kind=VmRequestKind.EXTENSION, vm_id=vm.id)
    answer = grace.send("/approvals/approve-selected", {"chosen": [str(later.id), str(longer.id)]})
    text = text_of(grace, answer.location)
    assert "Approved. The work begins on" in text
    assert "Approved. The machine is kept until" in text
    assert "Approved. The work begins." not in text


def test_outcomes_are_shown_once(grace: CheckingClient, site: Site, people: People) -> None:
    grace.send("/approvals/approve-selected", {"chosen": [str(request_of(site, people.ada).id)]})
    assert "outcome-good" in text_of(grace, "/approvals")
    assert "outcome-good" not in text_of(grace, "/approvals")


def test_choosing_none_says_what_to_do(grace: CheckingClient, site: Site, people: People) -> None:
    request_of(site, people.ada)
    answer = grace.send("/approvals/approve-selected")
    assert "Choose at least one request first." in text_of(grace, answer.location)


def test_more_time_is_decided_without_sizes(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada, kind=VmRequestKind.EXTENSION, vm_id=uuid4())
    text = text_of(grace, f"/approvals/{vm_request.id}")
    assert "More time for this machine" in text
    assert 'name="size"' not in text


def test_an_approver_of_another_department_sees_nothing(client: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    with site.write_sessions.begin() as db:
        eve = db.get_one(Account, people.eve)
        eve.memberships.append(Membership(role=Role.APPROVER, department_id=people.radiology))
    client.log_in("eve")
    assert "ward-wiki" not in text_of(client, "/approvals")
    assert client.get(f"/approvals/{vm_request.id}").status_code == 404
    assert client.send(f"/approvals/{vm_request.id}/approve").status_code == 404


def test_a_requester_has_no_queue(ada: CheckingClient) -> None:
    assert ada.get("/approvals").status_code == 403
    assert ada.send("/approvals/approve-selected").status_code == 403


def test_who_is_not_logged_in_is_sent_to_log_in(client: CheckingClient, people: People) -> None:
    for path in ("/approvals", f"/approvals/{uuid4()}"):
        assert client.get(path).location.startswith("/login")


@pytest.mark.parametrize("path", ["approve", "deny"])
def test_a_link_cannot_decide(grace: CheckingClient, site: Site, people: People, path: str) -> None:
    assert grace.get(f"/approvals/{request_of(site, people.ada).id}/{path}").status_code == 405


def test_a_decision_without_its_token_is_refused(grace: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    assert grace.post(f"/approvals/{vm_request.id}/approve").status_code == 400
    assert stored(site, vm_request).state == VmRequestState.SUBMITTED
