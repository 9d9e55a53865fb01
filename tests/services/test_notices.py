"""What our mails say: in the receiver's language, with links, and nothing a person typed becomes HTML."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Account, Mail, Vm, VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import notices
from portal.services.letters import translate
from tests.factories import make_account, make_vm, make_vm_request
from tests.factories.moments import NOW

SITE = "https://vivero.example/"


@pytest.fixture
def ada(db: Session) -> Account:
    return make_account(db, "ada")


@pytest.fixture
def vm_request(db: Session, ada: Account) -> VmRequest:
    return make_vm_request(db, by=ada, name="wiki", purpose="<b>The ward</b> & more")


def mail(db: Session) -> Mail:
    db.flush()
    return db.scalars(select(Mail)).one()


def test_approvers_get_the_facts_and_a_link(db: Session, vm_request: VmRequest) -> None:
    grace = make_account(db, "grace")
    notices.tell_submitted(db, vm_request=vm_request, approvers=[grace], now=NOW, base_url=SITE)
    written = mail(db)
    assert written.receiver == "grace@hospital.example"
    assert f"https://vivero.example/approvals/{vm_request.id}" in written.text
    assert "Ada" in written.text
    assert "30 June 2026" in written.text


def test_what_a_person_typed_never_becomes_html(db: Session, vm_request: VmRequest) -> None:
    notices.tell_denied(db, vm_request=vm_request, by="Grace", reason="<script>", now=NOW, base_url=SITE)
    html = mail(db).html or ""
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html


def test_who_decides_on_more_time_reads_that_it_is_no_new_machine(db: Session, vm_request: VmRequest) -> None:
    vm_request.kind = VmRequestKind.EXTENSION
    grace = make_account(db, "grace")
    notices.tell_submitted(db, vm_request=vm_request, approvers=[grace], now=NOW, base_url=SITE)
    written = mail(db)
    assert written.subject == "To decide: more time for wiki"
    assert "More time for the machine “wiki”" in written.text


def test_without_an_address_of_the_portal_there_are_no_links(db: Session, vm_request: VmRequest) -> None:
    notices.tell_approved(db, vm_request=vm_request, by="Grace", now=NOW, base_url="")
    assert "http" not in mail(db).text


def test_what_is_ready_says_where_and_until_when(db: Session, ada: Account, vm_request: VmRequest) -> None:
    vms = [make_vm(db, owner=ada, vm_request=vm_request, address="10.77.16.5"), make_vm(db, owner=ada, name="apart")]
    notices.tell_ready(db, vm_request=vm_request, vms=vms, now=NOW, base_url=SITE)
    text = mail(db).text
    assert "wiki: 10.77.16.5" in text
    assert "apart: open it in the browser" in text
    assert all(f"{SITE}vms/{vm.id}" in text for vm in vms)


def test_a_failure_says_what_happened(db: Session, vm_request: VmRequest) -> None:
    vm_request.error, vm_request.error_params = "The host %(host)s does not answer.", {"host": "hv1"}
    notices.tell_failed(db, vm_request=vm_request, now=NOW, base_url=SITE)
    assert "The host hv1 does not answer." in mail(db).text


@pytest.fixture
def vm(db: Session, ada: Account) -> Vm:
    return make_vm(db, owner=ada, name="wiki", retire_at=NOW)


@pytest.mark.parametrize("tell", [notices.tell_parked, notices.tell_retired])
def test_the_owner_is_told_of_the_end(db: Session, vm: Vm, tell: object) -> None:
    tell(db, vm=vm, now=NOW, base_url=SITE)  # type: ignore[operator]
    assert "wiki" in mail(db).subject


def test_a_spanish_reader_gets_spanish(db: Session, vm_request: VmRequest) -> None:
    luisa = make_account(db, "luisa", locale="es")
    notices.tell_submitted(db, vm_request=vm_request, approvers=[luisa], now=NOW, base_url=SITE)
    written = mail(db)
    assert "30 de junio de 2026" in written.text
    assert "Hello" not in written.text


def test_an_unknown_language_is_english() -> None:
    assert translate("fr", "Hello %(name)s,", name="Zoë") == "Hello Zoë,"
