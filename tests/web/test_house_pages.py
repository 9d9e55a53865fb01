"""Pages of the house: hosts, templates, mails, audit, overview, accessibility, health."""

from __future__ import annotations

import csv
import io
import json
from uuid import UUID

import pytest
from sqlalchemy import text

from portal.core.lifecycle import HostState, VmState
from portal.core.policy import Grant, Role
from portal.core.templates import Brought
from portal.models import Account, AuditEntry, Host, Template, Vm
from portal.services import accounts, audit, mails
from portal.services.audit import Subject
from portal.site import Site
from tests.factories import make_host, make_template, make_vm_request
from tests.factories.moments import NOW
from tests.web.conftest import CheckingClient, People
from tests.web.hypervisor import KeptMachines


@pytest.fixture
def host(site: Site, people: People) -> UUID:
    with site.write_sessions.begin() as db:
        return make_host(db, "hv1").id


def test_health_needs_no_log_in(client: CheckingClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_the_statement_of_accessibility_names_the_decree(client: CheckingClient) -> None:
    assert "1112/2018" in client.get("/accessibility").text


def test_the_overview_says_what_waits(grace: CheckingClient, site: Site, people: People) -> None:
    with site.write_sessions.begin() as db:
        make_vm_request(db, by=db.get_one(Account, people.ada), name="moodle-otono")
    assert "moodle-otono" in grace.get("/").text


def test_the_overview_shows_administrators_what_is_broken(alan: CheckingClient, site: Site) -> None:
    errors = [{"file": "template.yml", "line": 3, "field": "sizes", "message": "missing"}]
    with site.write_sessions.begin() as db:
        db.add(Template(slug="rota", spec=None, read_at=NOW, errors=errors))
    assert "rota" in alan.get("/").text
    text = alan.get("/templates/rota").text
    assert "template.yml:3" in text
    assert "sizes" in text


def test_the_overview_shows_auditors_what_was_done_last(olga: CheckingClient, ada: CheckingClient) -> None:
    assert "What was done last" not in ada.get("/", headers={"Accept-Language": "en"}).text
    ada.send("/logout")
    text = olga.log_in("olga").get("/").text
    assert "/audit/chain" in text
    assert "Ada" in text


def test_templates_show_their_disks(alan: CheckingClient, site: Site) -> None:
    with site.write_sessions.begin() as db:
        make_template(db, "dokuwiki", versions=2)
    assert "templates/dokuwiki/v2.qcow2" in alan.get("/templates/dokuwiki").text


def test_a_template_whose_disk_is_brought_is_not_told_to_be_built(alan: CheckingClient, site: Site) -> None:
    with site.write_sessions.begin() as db:
        make_template(db, "old-app", versions=0, brought=Brought(None))
        make_template(db, "ours", versions=0)
    assert "vivero template bring old-app" in alan.get("/templates/old-app").text
    assert "vivero template build ours" in alan.get("/templates/ours").text


def test_hosts_show_what_they_carry(olga: CheckingClient, host: UUID) -> None:
    assert "hv1" in olga.get("/hosts").text
    assert olga.get(f"/hosts/{host}").status_code == 200


def test_the_auditor_changes_no_host(olga: CheckingClient, host: UUID) -> None:
    assert olga.send(f"/hosts/{host}/state", {"state": "maintenance"}).status_code == 403


def test_a_host_is_taken_out_of_service_after_a_question(alan: CheckingClient, host: UUID, site: Site) -> None:
    assert "hv1" in alan.get(f"/hosts/{host}/state/draining").text
    alan.send(f"/hosts/{host}/state", {"state": "draining"})
    with site.sessions() as db:
        assert db.get_one(Host, host).state == HostState.DRAINING


def test_a_host_is_declared_lost_and_taken_back(
    alan: CheckingClient, site: Site, machine: UUID, people: People
) -> None:
    with site.sessions() as db:
        host_id = db.get_one(Vm, machine).host_id
    assert "btn-danger" in alan.get(f"/hosts/{host_id}/state/lost").text
    for state in (HostState.LOST, HostState.ACTIVE):
        assert alan.send(f"/hosts/{host_id}/state", {"state": state}).status_code == 303
        with site.sessions() as db:
            assert db.get_one(Host, host_id).state == state
    with site.sessions() as db:
        assert db.get_one(Vm, machine).state == VmState.STOPPED


def test_a_host_has_no_state_that_is_not_there(alan: CheckingClient, host: UUID) -> None:
    assert alan.send(f"/hosts/{host}/state", {"state": "asleep"}).status_code == 422


def test_a_dead_host_has_no_green_badge_and_its_trouble_is_said_in_spanish(
    alan: CheckingClient, site: Site, host: UUID
) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(Account, db.query(Account).filter_by(login="alan").one().id).locale = "es"
        db.get_one(Host, host).trouble = "The host hv1 does not answer."
    for address in ("/hosts", f"/hosts/{host}"):
        text = alan.get(address).text
        assert "tone-good" not in text.split("<main")[1]
        assert "The host hv1" not in text


def test_asking_a_silent_host_writes_down_that_it_is_silent(
    alan: CheckingClient, host: UUID, site: Site, hypervisor: KeptMachines
) -> None:
    hypervisor.silent = True
    alan.send(f"/hosts/{host}/refresh")
    with site.sessions() as db:
        assert db.get_one(Host, host).trouble


def test_mails_are_shown_as_text(alan: CheckingClient, site: Site, people: People) -> None:
    with site.write_sessions.begin() as db:
        ada = db.get_one(Account, people.ada)
        mail = mails.write(db, account=ada, subject="Lista", text="<b>Hola</b> http://localhost/vms", now=NOW)
        assert mail is not None
        db.flush()
        mail_id = mail.id
    assert "Lista" in alan.get("/mails").text
    text = alan.get(f"/mails/{mail_id}").text
    assert "&lt;b&gt;Hola" in text
    assert 'href="http://localhost/vms"' in text


def test_the_audit_log_is_filtered(olga: CheckingClient) -> None:
    assert "Olga" in olga.get("/audit?action=login.succeeded").text.split("<tbody")[1]
    assert "<tbody" not in olga.get("/audit?action=vm.retired").text


def test_the_audit_log_is_filtered_by_person(olga: CheckingClient) -> None:
    assert "Olga" in olga.get("/audit?who=olga").text.split("<tbody")[1]
    for login in ("ada", "nobody"):
        assert "<tbody" not in olga.get(f"/audit?who={login}").text


def test_changed_roles_are_read_with_before_and_after(olga: CheckingClient, people: People, site: Site) -> None:
    with site.write_sessions.begin() as db:
        accounts.set_grants(
            db, actor=None, account_id=people.ada, grants=[Grant(Role.APPROVER, people.radiology)], now=NOW
        )
    text = olga.get("/audit?action=account.roles").text
    assert "requester@farmacia" in text
    assert "approver@radiologia" in text


def test_the_table_of_the_audit_log_is_whole_and_carries_details_as_json(
    olga: CheckingClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AT_ONCE", 2)
    with site.write_sessions.begin() as db:
        for number in range(7):
            subject = Subject("vm", str(number), "x")
            audit.record(db, actor=None, action="vm.start", subject=subject, now=NOW, details={"number": number})
    rows = list(csv.reader(io.StringIO(olga.get("/audit/table.csv?action=vm.start").text)))[1:]
    assert [json.loads(row[-1]) for row in rows] == [{"number": number} for number in reversed(range(7))]


def test_the_audit_log_is_taken_away_as_a_table(olga: CheckingClient) -> None:
    answer = olga.get("/audit/table.csv")
    assert answer.mimetype == "text/csv"
    assert "login.succeeded" in answer.text


def test_administrators_do_not_read_the_audit_log(alan: CheckingClient) -> None:
    assert alan.get("/audit").status_code == 403


def test_an_edited_entry_breaks_the_chain(olga: CheckingClient, site: Site) -> None:
    assert "note-good" in olga.get("/audit/chain").text
    with site.write_sessions.begin() as db:
        db.execute(text("DROP TRIGGER audit_entries_kept_update"))  # as who owns the database can
        db.query(AuditEntry).first().actor = "Eve"  # type: ignore[union-attr]
    assert "note-bad" in olga.get("/audit/chain").text
