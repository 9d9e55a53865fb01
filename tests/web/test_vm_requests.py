"""The list of requests and the page of one: who sees it, what it says, what may be done."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from portal.core.lifecycle import StepState, VmRequestState, VmState, WorkflowState
from portal.models import Job, JobLine, VmRequest, Workflow, WorkflowStep
from portal.site import Site
from tests.factories.machines import make_vm
from tests.web.conftest import NOW, CheckingClient, People
from tests.web.ordering import request_of, stock


@pytest.fixture(autouse=True)
def stocked(site: Site) -> None:
    stock(site)


def text_of(client: CheckingClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def put(site: Site, vm_request: VmRequest, state: VmRequestState, workflow: WorkflowState | None = None) -> str:
    """Move the request there, with a workflow of two steps if wished."""
    workflow_id = f"provision-{vm_request.id}-1"
    with site.write_sessions.begin() as db:
        values = {"state": state, "workflow_id": workflow_id if workflow else None}
        db.execute(update(VmRequest).where(VmRequest.id == vm_request.id).values(**values))
        if workflow:
            db.add(
                Workflow(
                    id=workflow_id,
                    kind="provision",
                    subject_id=vm_request.id,
                    created_at=NOW,
                    state=workflow,
                    done=1,
                    total=2,
                    error="The cabinet on %(host)s is full." if workflow == WorkflowState.FAILED else None,
                    error_params={"host": "hv2"},
                )
            )
            db.flush()
            add_steps(db, workflow_id, StepState.FAILED if workflow == WorkflowState.FAILED else StepState.RUNNING)
    return workflow_id


def add_steps(db: object, workflow_id: str, second: StepState) -> None:
    for position, (name, state) in enumerate((("Place", StepState.DONE), ("Clone", second))):
        step = WorkflowStep(workflow_id=workflow_id, position=position, name=name, state=state, started_at=NOW)
        step.ended_at = NOW + timedelta(seconds=3) if state == StepState.DONE else None
        db.add(step)  # type: ignore[attr-defined]


def say(site: Site, workflow_id: str, *texts: str) -> None:
    with site.write_sessions.begin() as db:
        job = Job(workflow_id=workflow_id, playbook="clone_vms", started_at=NOW)
        db.add(job)
        db.flush()
        db.add_all([JobLine(job_id=job.id, at=NOW, host="hv1", text=text) for text in texts])


def test_the_list_shows_ones_own_requests(ada: CheckingClient, site: Site, people: People) -> None:
    request_of(site, people.ada, name="ada-wiki")
    request_of(site, people.tom, name="tom-wiki")
    text = text_of(ada, "/vm-requests")
    assert "ada-wiki" in text
    assert "tom-wiki" not in text
    assert "tom-wiki" in text_of(ada, "/vm-requests?whose=all")


def test_the_list_of_another_department_stays_closed(client: CheckingClient, site: Site, people: People) -> None:
    request_of(site, people.ada, name="ada-wiki")
    eve = client.log_in("eve")
    assert "ada-wiki" not in text_of(eve, "/vm-requests?whose=all&department=farmacia")


def test_the_list_is_narrowed_by_state_and_words(ada: CheckingClient, site: Site, people: People) -> None:
    put(site, request_of(site, people.ada, name="old-wiki"), VmRequestState.DENIED)
    request_of(site, people.ada, name="new-wiki")
    assert "new-wiki" not in text_of(ada, "/vm-requests?state=denied")
    assert "old-wiki" not in text_of(ada, "/vm-requests?q=new")
    assert "empty-state" in text_of(ada, "/vm-requests?q=nothing-like-it")


def test_an_empty_list_leads_to_the_catalogue(ada: CheckingClient) -> None:
    text = text_of(ada, "/vm-requests")
    assert "empty-state" in text
    assert 'href="/catalogue"' in text


def test_nonsense_in_the_address_is_ignored(ada: CheckingClient) -> None:
    text_of(ada, "/vm-requests?page=x&state=nonsense&department=%00&whose=all")


def test_a_long_list_has_pages(ada: CheckingClient, site: Site, people: People) -> None:
    for number in range(51):
        request_of(site, people.ada, name=f"wiki-{number:03d}", submitted_at=NOW + timedelta(minutes=number))
    assert "wiki-000" not in text_of(ada, "/vm-requests")
    assert "wiki-000" in text_of(ada, "/vm-requests?page=2")


def test_the_list_comes_as_a_table_without_formulas(ada: CheckingClient, site: Site, people: People) -> None:
    request_of(site, people.ada, name="=evil()")
    answer = ada.get("/vm-requests/table.csv")
    assert answer.mimetype == "text/csv"
    assert "'=evil()" in answer.get_data(as_text=True)


def test_a_submitted_request_says_what_was_ordered_and_who_decides_next(
    ada: CheckingClient, site: Site, people: People
) -> None:
    text = text_of(ada, f"/vm-requests/{request_of(site, people.ada).id}")
    assert "up to 30 people" in text
    assert "A wiki for the ward" in text
    assert "Waiting for approval" in text


def test_the_page_of_another_departments_request_is_not_there(
    client: CheckingClient, site: Site, people: People
) -> None:
    vm_request = request_of(site, people.ada)
    eve = client.log_in("eve")
    assert eve.get(f"/vm-requests/{vm_request.id}").status_code == 404
    assert eve.get(f"/vm-requests/{vm_request.id}/progress").status_code == 404
    assert eve.send(f"/vm-requests/{vm_request.id}/cancel").status_code == 404


def test_an_unknown_request_is_not_there(ada: CheckingClient) -> None:
    assert ada.get(f"/vm-requests/{uuid4()}").status_code == 404
    assert ada.get("/vm-requests/not-a-number").status_code == 404


def test_work_under_way_shows_steps_percent_and_lines_and_follows_live(
    ada: CheckingClient, site: Site, people: People
) -> None:
    vm_request = request_of(site, people.ada)
    say(site, put(site, vm_request, VmRequestState.PROVISIONING, WorkflowState.RUNNING), "Make the disks: done")
    text = text_of(ada, f"/vm-requests/{vm_request.id}")
    assert "50 %" in text
    assert "Make the disks: done" in text
    assert f'sse-connect="/live/workflows/{vm_request.id}"' in text
    assert '<noscript><meta http-equiv="refresh"' in text


def test_the_fragment_brings_progress_and_log_without_a_frame(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    say(site, put(site, vm_request, VmRequestState.PROVISIONING, WorkflowState.RUNNING), "Make the disks: done")
    text = text_of(ada, f"/vm-requests/{vm_request.id}/progress")
    assert "<html" not in text
    assert 'hx-swap-oob="innerHTML:#log-lines"' in text
    assert "sse:progress" in text


def test_watching_does_not_keep_a_log_in_alive(ada: CheckingClient, site: Site, people: People, clock: object) -> None:
    vm_request = request_of(site, people.ada)
    put(site, vm_request, VmRequestState.PROVISIONING, WorkflowState.RUNNING)
    for _minute in range(20):
        clock.at += timedelta(minutes=1)  # type: ignore[attr-defined]
        answer = ada.get(f"/vm-requests/{vm_request.id}/progress")
    assert answer.status_code == 303


def test_a_log_shows_its_newest_lines_only(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    workflow_id = put(site, vm_request, VmRequestState.PROVISIONING, WorkflowState.RUNNING)
    say(site, workflow_id, *(f"line {number:04d}" for number in range(900)))
    text = text_of(ada, f"/vm-requests/{vm_request.id}/progress")
    assert "line 0899" in text
    assert "line 0400" not in text


def test_ready_machines_are_linked(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    put(site, vm_request, VmRequestState.FULFILLED, WorkflowState.DONE)
    with site.write_sessions.begin() as db:
        row = db.get_one(VmRequest, vm_request.id)
        vm = make_vm(db, vm_request=row, owner=row.submitted_by)
    text = text_of(ada, f"/vm-requests/{vm_request.id}")
    assert f'href="/vms/{vm.id}"' in text
    assert "hx-trigger" not in text


def test_a_request_whose_machines_are_given_back_does_not_call_them_ready(
    ada: CheckingClient, site: Site, people: People
) -> None:
    vm_request = request_of(site, people.ada)
    put(site, vm_request, VmRequestState.FULFILLED, WorkflowState.DONE)
    with site.write_sessions.begin() as db:
        row = db.get_one(VmRequest, vm_request.id)
        make_vm(db, vm_request=row, owner=row.submitted_by, state=VmState.RETIRED)
    text = text_of(ada, f"/vm-requests/{vm_request.id}")
    assert "Given back" in text
    assert "Your machine is ready" not in text


def test_a_failure_says_what_happened_and_offers_both_ways_on(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    put(site, vm_request, VmRequestState.FAILED, WorkflowState.FAILED)
    text = text_of(ada, f"/vm-requests/{vm_request.id}")
    assert "The cabinet on hv2 is full." in text
    assert f'action="/vm-requests/{vm_request.id}/retry"' in text
    assert f'href="/vm-requests/{vm_request.id}/roll-back"' in text


def test_a_failed_request_is_tried_again(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    put(site, vm_request, VmRequestState.FAILED, WorkflowState.FAILED)
    answer = ada.send(f"/vm-requests/{vm_request.id}/retry")
    assert (answer.status_code, answer.location) == (303, f"/vm-requests/{vm_request.id}")
    assert site.queue.enqueued == [("provision", f"provision-{vm_request.id}-2", str(vm_request.id))]  # type: ignore[attr-defined]
    assert "goes on from the step that failed" in text_of(ada, answer.location)


def test_a_failed_request_is_rolled_back_after_a_question(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    put(site, vm_request, VmRequestState.FAILED, WorkflowState.FAILED)
    assert "Yes, remove it all" in text_of(ada, f"/vm-requests/{vm_request.id}/roll-back")
    assert ada.send(f"/vm-requests/{vm_request.id}/roll-back").status_code == 303
    with site.sessions() as db:
        assert db.get_one(Workflow, f"provision-{vm_request.id}-2").cancel_asked_at == NOW


def test_a_waiting_request_is_cancelled_after_a_question(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    assert "Yes, cancel it" in text_of(ada, f"/vm-requests/{vm_request.id}/cancel")
    ada.send(f"/vm-requests/{vm_request.id}/cancel")
    with site.sessions() as db:
        assert db.get_one(VmRequest, vm_request.id).state == VmRequestState.CANCELLED


def test_work_under_way_is_asked_to_stop(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    put(site, vm_request, VmRequestState.PROVISIONING, WorkflowState.RUNNING)
    ada.send(f"/vm-requests/{vm_request.id}/cancel")
    text = text_of(ada, f"/vm-requests/{vm_request.id}")
    assert "It stops at the next safe point" in text
    assert f'href="/vm-requests/{vm_request.id}/cancel"' not in text


def test_a_colleague_sees_the_request_but_cannot_cancel_it(client: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada)
    tom = client.log_in("tom")
    assert "/cancel" not in text_of(tom, f"/vm-requests/{vm_request.id}")
    tom.send(f"/vm-requests/{vm_request.id}/cancel")
    with site.sessions() as db:
        assert db.get_one(VmRequest, vm_request.id).state == VmRequestState.SUBMITTED


def test_what_was_taken_away_by_the_approver_is_said(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada, copies=2, wanted={"size": "large", "copies": 4, "ends_on": "2026-12-31"})
    text = text_of(ada, f"/vm-requests/{vm_request.id}")
    assert "asked for: 4" in text
    assert "asked for: up to 100 people" in text


def test_a_denied_request_tells_the_reason(ada: CheckingClient, site: Site, people: People) -> None:
    vm_request = request_of(site, people.ada, decision_comment="There is one already.")
    put(site, vm_request, VmRequestState.DENIED)
    assert "There is one already." in text_of(ada, f"/vm-requests/{vm_request.id}")


@pytest.mark.parametrize("path", ["", "/table.csv", "/{id}", "/{id}/progress", "/{id}/cancel", "/{id}/roll-back"])
def test_who_is_not_logged_in_is_sent_to_log_in(client: CheckingClient, people: People, path: str) -> None:
    answer = client.get("/vm-requests" + path.format(id=uuid4()))
    assert answer.location.startswith("/login")


def test_a_request_cannot_be_retried_by_address(ada: CheckingClient, site: Site, people: People) -> None:
    assert ada.get(f"/vm-requests/{request_of(site, people.ada).id}/retry").status_code == 405


def test_the_names_of_all_states_are_searchable(ada: CheckingClient) -> None:
    text = text_of(ada, "/vm-requests")
    assert all(f'<option value="{state}"' in text for state in VmRequestState)
