"""Every route names who may call it, and answers the five questions: works, wrong method, stranger, other department,
bad form."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from apiflask import APIFlask
from werkzeug.routing import Rule

from portal.core.policy import ROLE_PERMISSIONS, Permission, Role
from portal.site import Site
from portal.web import make_app
from portal.web.context import Guard, guard_of
from tests.web.conftest import CheckingClient

OPEN = {
    "about.accessibility",
    "calendar_feeds.show",
    "about.health",
    "class_room.ended",
    "join.ask_back",
    "join.come_back",
    "join.join",
    "join.show",
    "language.change",
    "login.log_in",
    "login.show",
}
STUDENTS = {
    "class_room.another_device",
    "class_room.ask_again",
    "class_room.begin_again",
    "class_room.check",
    "class_room.lower_hand",
    "class_room.open_step",
    "class_room.raise_hand",
    "class_room.show",
    "class_room.sit_down",
    "class_room.status",
    "class_room.take_hint",
    "class_room.ticket",
    "class_room.understand",
    "doors.enter",
    "keepings.ask",
    "keepings.ask_give_back",
    "keepings.give_back",
    "keepings.withdraw",
}
ANY_ACCOUNT = {
    "account.issue_token",
    "account.revoke_token",
    "account.save_password",
    "account.show",
    "leases.follow_link",
    "login.log_out",
    "overview.show",
}


def own_rules(app: APIFlask) -> list[Rule]:
    """The pages; the API has its own guard and its own test, static files are for everybody."""
    return [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(("/static/", "/api/"))]


def guards(app: APIFlask) -> dict[str, Guard | None]:
    return {rule.endpoint: guard_of(app.view_functions[rule.endpoint]) for rule in own_rules(app)}


def address(rule: Rule, vm_id: UUID | None = None) -> str:
    """An address of the rule with something made up in each place."""
    made_up = {
        "vm_id": vm_id or uuid4(),
        "action": "reboot",
        "state": "draining",
        "code": "es",
        "slug": "dokuwiki",
        "text": "x",
    }
    with_places = rule.rule
    for name, converter in rule._converters.items():
        kind = type(converter).__name__
        value = made_up.get(name, uuid4() if kind == "UUIDConverter" else 1 if kind == "IntegerConverter" else "x")
        with_places = with_places.replace(f"<uuid:{name}>", str(value)).replace(f"<int:{name}>", str(value))
        with_places = with_places.replace(f"<path:{name}>", str(value)).replace(f"<{name}>", str(value))
    return with_places


def test_every_route_names_who_may_call_it(app: APIFlask) -> None:
    assert [endpoint for endpoint, guard in guards(app).items() if guard is None] == []


def test_only_these_routes_are_open_to_everybody(app: APIFlask) -> None:
    assert {endpoint for endpoint, guard in guards(app).items() if guard and guard.public} == OPEN


def test_only_these_routes_are_for_students_of_a_class(app: APIFlask) -> None:
    assert {endpoint for endpoint, guard in guards(app).items() if guard and guard.student} == STUDENTS


def test_only_these_routes_need_no_permission(app: APIFlask) -> None:
    unbound = {endpoint for endpoint, guard in guards(app).items() if guard and not guard.public and not guard.student}
    assert {endpoint for endpoint in unbound if not permission_of(app, endpoint)} == ANY_ACCOUNT


def permission_of(app: APIFlask, endpoint: str) -> Permission | None:
    guard = guards(app)[endpoint]
    return guard.permission if guard else None


def test_a_route_that_names_nobody_is_refused(site: Site) -> None:
    app = make_app(site)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert app.test_client().get("/forgotten").status_code == 403


def test_whoever_is_not_logged_in_is_sent_to_log_in(app: APIFlask, client: CheckingClient) -> None:
    for rule in own_rules(app):
        if rule.endpoint in OPEN:
            continue
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        answer = client.open(address(rule), method=method)
        door = "/join" if rule.endpoint in STUDENTS else "/login"
        assert (answer.status_code, answer.location.split("?")[0]) == (303, door), rule


def test_wrong_methods_are_refused(app: APIFlask, alan: CheckingClient) -> None:
    methods: dict[str, set[str]] = {}
    for rule in own_rules(app):
        methods.setdefault(rule.rule, set()).update(rule.methods or ())
    for rule in own_rules(app):
        known = methods[rule.rule]
        wrong = next(method for method in ("DELETE", "PUT", "PATCH") if method not in known)
        assert alan.open(address(rule), method=wrong).status_code in {404, 405}, rule


@pytest.mark.parametrize("role", list(Role))
def test_nobody_opens_a_page_without_its_permission(
    app: APIFlask, client: CheckingClient, people: object, role: Role
) -> None:
    logins = {
        Role.REQUESTER: "ada",
        Role.APPROVER: "grace",
        Role.TEACHER: "tom",
        Role.STUDENT: "sam",
        Role.ADMIN: "alan",
        Role.AUDITOR: "olga",
    }
    client.log_in(logins[role])
    token = client.token()
    for rule in own_rules(app):
        needed = permission_of(app, rule.endpoint)
        if needed is None or needed in ROLE_PERMISSIONS[role]:
            continue
        for method in {"GET", "POST"} & set(rule.methods or ()):
            answer = client.open(address(rule), method=method, data={"csrf_token": token} if method == "POST" else None)
            assert answer.status_code == 403, (rule, method)


def test_pages_of_a_machine_do_not_exist_for_another_department(
    app: APIFlask, eve: CheckingClient, machine: UUID
) -> None:
    token = eve.token()
    for rule in own_rules(app):
        if "vm_id" not in rule.arguments:
            continue
        for method in {"GET", "POST"} & set(rule.methods or ()):
            data = {"csrf_token": token, "action": "power_off", "kind": "serial", "name": "x"}
            answer = eve.open(address(rule, machine), method=method, data=data if method == "POST" else None)
            assert answer.status_code == 404, (rule, method)


def test_an_account_opens_no_page_of_a_class_that_it_did_not_join(app: APIFlask, alan: CheckingClient) -> None:
    token = alan.token()
    for rule in own_rules(app):
        if rule.endpoint not in STUDENTS:
            continue
        for method in {"GET", "POST"} & set(rule.methods or ()):
            data = {"csrf_token": token} if method == "POST" else None
            assert alan.open(address(rule), method=method, data=data).location == "/join", rule


def test_no_form_is_taken_without_its_secret_token(
    app: APIFlask, ada: CheckingClient, machine: UUID, joined: CheckingClient
) -> None:
    for rule in own_rules(app):
        needed = permission_of(app, rule.endpoint)
        if "POST" in (rule.methods or ()) and (needed is None or needed in ROLE_PERMISSIONS[Role.REQUESTER]):
            assert ada.post(address(rule, machine)).status_code == 400, rule


def test_no_address_of_a_page_breaks_on_made_up_names(app: APIFlask, alan: CheckingClient) -> None:
    for rule in own_rules(app):
        if "GET" in (rule.methods or ()):
            assert alan.get(address(rule)).status_code < 500, rule
