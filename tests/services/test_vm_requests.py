"""Ordering machines: once a form, within quota, checked field by field, seen only by one's department."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, InvalidOrder, NotAllowed, NotFound
from portal.core.lifecycle import StepState, VmRequestState, WorkflowState
from portal.core.policy import Role
from portal.core.quota import Amount
from portal.core.templates import NetworkClass, Parameter, ParameterKind, Personalisation, Words
from portal.models import Claim, Mail, Template, VmRequest, Workflow, WorkflowStep
from portal.services import audit, vm_requests, workflows
from portal.services.orders import decided_spec
from portal.services.sealing import unseal
from portal.services.vm_requests import Order
from tests.factories import ListQueue, actor_for, make_account, make_department, make_template, make_vm, make_vm_request
from tests.factories.cluster import make_template_version, spec_data
from tests.factories.moments import NOW

KEY = "a secret key of the tests"
WIKI = Order(
    template="dokuwiki",
    size="small",
    name="wiki",
    copies=2,
    purpose="Procedures of the ward",
    ends_on=date(2026, 6, 30),
    form_key="form-1",
)


def submit(db: Session, order: Order = WIKI, *, login: str = "ada", **changes: object) -> VmRequest:
    make_template(db)
    actor = actor_for(db, login)
    return vm_requests.submit(db, actor=actor, order=replace(order, **changes), now=NOW, secret_key=KEY)


def fields(raised: pytest.ExceptionInfo[InvalidOrder]) -> set[str | None]:
    return {error.field for error in raised.value.errors}


def test_an_order_is_kept_with_what_one_copy_takes(db: Session) -> None:
    vm_request = submit(db)
    assert vm_request.state == VmRequestState.SUBMITTED
    assert (vm_request.vcpus, vm_request.memory_mib, vm_request.disk_gib) == (1, 1024, 10)
    assert vm_request.wanted == {"size": "small", "copies": 2, "ends_on": "2026-06-30"}


def test_an_order_keeps_the_template_as_it_was_ordered(db: Session) -> None:
    vm_request = submit(db)
    db.get_one(Template, "dokuwiki").spec = spec_data(network=NetworkClass.ISOLATED)
    assert decided_spec(vm_request, make_template_version(db)).network == NetworkClass.DEPARTMENT


def test_an_order_holds_capacity_for_each_copy(db: Session) -> None:
    vm_request = submit(db)
    assert db.scalar(select(func.count()).where(Claim.vm_request_id == vm_request.id)) == 2


def test_an_order_tells_the_approvers_in_their_language(db: Session) -> None:
    grace = make_account(db, "grace", role=Role.APPROVER)
    submit(db)
    mail = db.scalars(select(Mail)).one()
    assert mail.account_id == grace.id
    assert "wiki" in mail.subject
    assert "Procedures of the ward" in mail.text


def test_an_order_is_audited(db: Session) -> None:
    vm_request = submit(db)
    (entry,) = audit.history_of(db, vm_request.id)
    assert (entry.action, entry.actor) == ("vm_request.submitted", "Ada")


def test_a_purpose_with_a_nul_in_it_is_refused(db: Session) -> None:
    with pytest.raises(InvalidOrder) as raised:
        submit(db, purpose="Procedures\0of the ward")
    assert fields(raised) == {"purpose"}


def test_the_same_form_twice_is_one_request(db: Session) -> None:
    assert submit(db).id == submit(db).id
    assert db.scalar(select(func.count()).select_from(VmRequest)) == 1


def test_the_same_form_key_of_two_people_is_two_requests(db: Session) -> None:
    first = submit(db)
    second = submit(db, login="eve", name="other-wiki")
    assert first.id != second.id


def test_a_form_submitted_meanwhile_by_a_twin_is_returned(db: Session) -> None:
    first = submit(db)
    copied = ("department_id", "submitted_by_id", "submitted_at", "template_slug", "size", "name", "copies")
    copied += ("vcpus", "memory_mib", "disk_gib", "purpose", "ends_on", "form_key")
    twin = VmRequest(**{column: getattr(first, column) for column in copied})
    assert vm_requests.add_once(db, twin) is first


def test_all_that_is_wrong_is_said_at_once(db: Session) -> None:
    with pytest.raises(InvalidOrder) as raised:
        submit(db, size="huge", name="1wiki", copies=31, purpose=" ", ends_on=None)
    assert fields(raised) == {"size", "name", "copies", "purpose", "ends_on"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Wiki"}, "name"),
        ({"name": "wiki-"}, "name"),
        ({"name": "wi--ki"}, "name"),
        ({"copies": 0}, "copies"),
        ({"ends_on": date(2026, 3, 1)}, "ends_on"),
        ({"ends_on": date(2027, 3, 3)}, "ends_on"),
        ({"starts_on": date(2026, 3, 1)}, "starts_on"),
        ({"starts_on": date(2026, 7, 1)}, "ends_on"),
        ({"purpose": "x" * 2001}, "purpose"),
        ({"parameters": {"colour": "red"}}, "colour"),
    ],
)
def test_a_wrong_answer_names_its_field(db: Session, changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidOrder) as raised:
        submit(db, **changes)
    assert fields(raised) == {field}


def test_more_than_the_quota_is_refused_with_what_is_left(db: Session) -> None:
    make_department(db, quota_machines=1)
    with pytest.raises(InvalidOrder) as raised:
        submit(db)
    (error,) = raised.value.errors
    assert error.code == "over-quota"
    assert "1 machines" in str(error)


def test_waiting_requests_count_for_the_quota(db: Session) -> None:
    make_department(db, quota_machines=3)
    submit(db)
    with pytest.raises(InvalidOrder):
        submit(db, name="second", form_key="form-2")


def test_licences_are_counted_over_the_whole_house(db: Session) -> None:
    make_template(db, licence_seats=3)
    submit(db)
    with pytest.raises(InvalidOrder) as raised:
        submit(db, name="second", form_key="form-2")
    assert fields(raised) == {"copies"}


def test_a_name_in_use_is_refused(db: Session) -> None:
    make_vm(db, name="wiki-01")
    with pytest.raises(InvalidOrder) as raised:
        submit(db)
    assert fields(raised) == {"name"}


@pytest.mark.parametrize(("name", "copies"), [("wiki-02", 1), ("wiki", 1), ("wiki", 5)])
def test_a_name_that_a_copy_of_an_open_request_will_have_is_refused(db: Session, name: str, copies: int) -> None:
    make_vm_request(db, name=name, copies=copies)
    with pytest.raises(InvalidOrder) as raised:
        submit(db)
    assert fields(raised) == {"name"}


def test_a_name_is_free_again_when_its_machine_is_retired(db: Session) -> None:
    make_vm(db, name="wiki-01", state="retired")
    assert submit(db).name == "wiki"


def test_windows_names_are_short(db: Session) -> None:
    make_template(db, personalisation=Personalisation.SYSPREP)
    with pytest.raises(InvalidOrder) as raised:
        submit(db, name="oncofarma-server")
    assert fields(raised) == {"name"}


def test_secret_answers_are_sealed_and_the_others_typed(db: Session) -> None:
    title = Parameter("people", ParameterKind.NUMBER, Words("Personas", "People"))
    password = Parameter("password", ParameterKind.SECRET, Words("Clave", "Password"))
    make_template(db, parameters=(title, password))
    vm_request = submit(db, parameters={"people": "30", "password": "quiet please"})
    assert vm_request.parameters == {"people": 30}
    assert unseal(KEY, vm_request.sealed_parameters) == {"password": "quiet please"}
    assert "quiet please" not in repr(vm_request)


def test_a_template_without_disk_cannot_be_ordered(db: Session) -> None:
    make_template(db, versions=0)
    with pytest.raises(Conflict):
        submit(db)


def test_a_template_of_other_departments_cannot_be_ordered(db: Session) -> None:
    make_template(db, may_order=("laboratorio",))
    with pytest.raises(NotFound):
        submit(db)


def test_an_unknown_template_is_not_found(db: Session) -> None:
    with pytest.raises(NotFound):
        submit(db, template="minesweeper")


def test_nobody_orders_for_another_department(db: Session) -> None:
    elsewhere = make_department(db, "laboratorio")
    with pytest.raises(NotAllowed):
        submit(db, department_id=elsewhere.id)


def test_a_student_orders_nothing(db: Session) -> None:
    actor_for(db, "sam", role=Role.STUDENT)
    with pytest.raises(NotAllowed):
        submit(db, login="sam")


def test_who_orders_for_the_whole_house_names_the_department(db: Session) -> None:
    actor_for(db, "root", role=Role.ADMIN)
    with pytest.raises(Exception, match="choose a department") as raised:
        submit(db, login="root")
    assert raised.value.field == "department_id"  # type: ignore[attr-defined]


def test_the_estimate_follows_an_unfinished_order(db: Session) -> None:
    make_template(db)
    make_department(db, quota_machines=2, quota_vcpus=10)
    make_account(db, "grace", role=Role.APPROVER)
    seen = vm_requests.estimate(db, actor=actor_for(db, "ada"), order=Order("dokuwiki", copies=3), now=NOW)
    assert seen is not None
    assert seen.takes == Amount(3, 3, 3072, 30)
    assert seen.left_after.machines == -1
    assert seen.over == ("machines",)
    assert seen.approvers == ("Grace",)


def test_there_is_no_estimate_for_another_department(db: Session) -> None:
    make_template(db)
    elsewhere = make_department(db, "laboratorio")
    order = Order("dokuwiki", department_id=elsewhere.id)
    assert vm_requests.estimate(db, actor=actor_for(db, "ada"), order=order, now=NOW) is None


def test_another_department_does_not_see_a_request(db: Session) -> None:
    vm_request = submit(db)
    eve = actor_for(db, "eve", department="laboratorio")
    with pytest.raises(NotFound):
        vm_requests.get(db, actor=eve, vm_request_id=vm_request.id)
    assert vm_requests.search(db, actor=eve).items == ()


def test_a_colleague_sees_the_requests_of_the_department(db: Session) -> None:
    vm_request = submit(db)
    assert vm_requests.search(db, actor=actor_for(db, "tom")).items == (vm_request,)


def test_lists_are_newest_first_and_filtered(db: Session) -> None:
    old = make_vm_request(db, submitted_at=NOW - timedelta(days=1), state=VmRequestState.DENIED)
    new = make_vm_request(db, purpose="Oncology")
    ada = actor_for(db, "ada")
    assert vm_requests.search(db, actor=ada).items == (new, old)
    assert vm_requests.search(db, actor=ada, state=VmRequestState.DENIED).items == (old,)
    assert vm_requests.search(db, actor=ada, text="onco").items == (new,)
    assert vm_requests.search(db, actor=ada, mine=True).items == ()
    assert vm_requests.search(db, actor=ada, department="laboratorio").items == ()


def test_an_undecided_request_is_cancelled_at_once(db: Session) -> None:
    vm_request = submit(db)
    queue = ListQueue()
    vm_requests.cancel(db, actor=actor_for(db, "ada"), vm_request_id=vm_request.id, now=NOW, queue=queue)
    assert vm_request.state == VmRequestState.CANCELLED
    assert db.scalar(select(func.count()).select_from(Claim)) == 0
    assert queue.entries == []


def test_cancelling_running_work_asks_the_workflow_to_stop(db: Session) -> None:
    ada = make_account(db, "ada")
    vm_request = make_vm_request(db, by=ada, state=VmRequestState.PROVISIONING, workflow_id="provision-1")
    db.add(Workflow(id="provision-1", kind="provision", subject_id=vm_request.id, created_at=NOW, started_at=NOW))
    vm_requests.cancel(db, actor=actor_for(db, "ada"), vm_request_id=vm_request.id, now=NOW, queue=ListQueue())
    assert db.get_one(Workflow, "provision-1").cancel_asked_at == NOW
    assert vm_request.state == VmRequestState.PROVISIONING


def failed_request(db: Session) -> VmRequest:
    ada = make_account(db, "ada")
    vm_request = make_vm_request(db, by=ada, claimed=True, state=VmRequestState.FAILED, workflow_id="provision-1")
    failed = Workflow(
        id="provision-1", kind="provision", subject_id=vm_request.id, created_at=NOW, state=WorkflowState.FAILED
    )
    db.add(failed)
    db.flush()
    db.add(WorkflowStep(workflow_id=failed.id, position=0, name="Claim capacity", state=StepState.DONE))
    db.flush()
    return vm_request


def test_a_retry_that_no_worker_has_taken_yet_can_be_cancelled(db: Session) -> None:
    vm_request, ada, queue = failed_request(db), actor_for(db, "ada"), ListQueue()
    vm_requests.retry(db, actor=ada, vm_request_id=vm_request.id, now=NOW + timedelta(minutes=1), queue=queue)
    vm_requests.cancel(db, actor=ada, vm_request_id=vm_request.id, now=NOW + timedelta(minutes=2), queue=queue)
    assert db.get_one(Workflow, str(vm_request.workflow_id)).state == WorkflowState.CANCELLING
    assert len(queue.entries) == 1


def test_an_approved_request_that_no_worker_has_begun_is_cancelled_at_once(db: Session) -> None:
    ada = make_account(db, "ada")
    vm_request = make_vm_request(db, by=ada, claimed=True, state=VmRequestState.APPROVED)
    workflow = workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=ListQueue(), now=NOW)
    vm_request.workflow_id = workflow.id
    vm_requests.cancel(db, actor=actor_for(db, "ada"), vm_request_id=vm_request.id, now=NOW, queue=ListQueue())
    assert (vm_request.state, workflow.state) == (VmRequestState.CANCELLED, WorkflowState.CANCELLED)
    assert db.scalar(select(func.count()).select_from(Claim)) == 0


def test_a_colleague_may_not_cancel(db: Session) -> None:
    vm_request = submit(db)
    with pytest.raises(NotAllowed):
        vm_requests.cancel(db, actor=actor_for(db, "tom"), vm_request_id=vm_request.id, now=NOW, queue=ListQueue())


def test_a_finished_request_cannot_be_cancelled(db: Session) -> None:
    ada = make_account(db, "ada")
    vm_request = make_vm_request(db, by=ada, state=VmRequestState.DENIED)
    with pytest.raises(Conflict):
        vm_requests.cancel(db, actor=actor_for(db, "ada"), vm_request_id=vm_request.id, now=NOW, queue=ListQueue())


@pytest.mark.parametrize("verb", [vm_requests.retry, vm_requests.roll_back])
def test_a_failed_request_is_queued_again_and_forgets_its_failure(db: Session, verb: object) -> None:
    ada = make_account(db, "ada")
    vm_request = make_vm_request(
        db, by=ada, state=VmRequestState.FAILED, workflow_id="provision-1", error="It broke.", error_params={"why": "x"}
    )
    db.add(
        Workflow(
            id="provision-1", kind="provision", subject_id=vm_request.id, created_at=NOW, state=WorkflowState.FAILED
        )
    )
    queue = ListQueue()
    verb(db, actor=actor_for(db, "ada"), vm_request_id=vm_request.id, now=NOW, queue=queue)  # type: ignore[operator]
    assert [entry[1] for entry in queue.entries] == [vm_request.workflow_id]
    assert vm_request.workflow_id != "provision-1"
    assert (vm_request.state, vm_request.error, vm_request.error_params) == (VmRequestState.PROVISIONING, None, {})


def test_only_what_failed_can_be_tried_again(db: Session) -> None:
    vm_request = submit(db)
    with pytest.raises(Conflict):
        vm_requests.retry(db, actor=actor_for(db, "ada"), vm_request_id=vm_request.id, now=NOW, queue=ListQueue())


def test_the_overview_shows_what_waits_runs_and_ends(db: Session) -> None:
    ada = make_account(db, "ada")
    vm_request = make_vm_request(db, by=ada)
    vm = make_vm(db, owner=ada, expires_at=NOW + timedelta(days=3))
    make_vm(db)
    mine = vm_requests.overview(db, actor=actor_for(db, "ada"), now=NOW)
    assert (mine.waiting_for_me, mine.running) == (0, 1)
    assert mine.ends_soon == (vm,)
    assert mine.my_open_requests == (vm_request,)
    grace = actor_for(db, "grace", role=Role.APPROVER)
    assert vm_requests.overview(db, actor=grace, now=NOW).waiting == (vm_request,)
