"""Labs that departments offer to each other: who sees them, who may teach them, and in which version."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.core.policy import Actor, Role
from portal.models import AuditEntry, LabDraft, LabSession, Template
from portal.services import lab_offers, lab_subscriptions, labs
from portal.services.class_changes import change
from portal.services.class_targets import Change, Terms
from portal.services.department_labs import WHY_NOT_PUBLISHED, WHY_NOT_SUBSCRIBED, WHY_WITHDRAWN
from portal.services.lab_sessions import Wish, book, teachable
from portal.services.labs import LabOffer
from tests.factories.accounts import actor_for, make_department
from tests.factories.classes import make_lab_session
from tests.factories.cluster import make_host
from tests.factories.department_labs import SLUG, make_department_lab, make_draft, publish_again, teacher_in
from tests.factories.moments import NOW


@pytest.fixture
def tom(db: Session) -> Actor:
    return teacher_in(db)


@pytest.fixture
def eve(db: Session) -> Actor:
    """She teaches in radiology."""
    return teacher_in(db, "radiologia")


def slugs(db: Session, actor: Actor) -> list[str]:
    return [offer.slug for offer in labs.library(db, actor=actor) if offer.published]


def seen(db: Session, actor: Actor) -> LabOffer:
    return labs.get(db, actor=actor, slug=SLUG)


def offer(db: Session, *departments: str, to_all: bool = False) -> None:
    lab_offers.offer(db, actor=teacher_in(db), slug=SLUG, to_all=to_all, departments=departments, now=NOW)


def subscribe(db: Session, actor: Actor, version: int = 1) -> None:
    lab_subscriptions.subscribe(db, actor=actor, slug=SLUG, version=version, now=NOW)


def taught(db: Session, department: str) -> int:
    return labs.teachable(db, slug=SLUG, department=make_department(db, department)).version


def book_it(db: Session, actor: Actor) -> LabSession:
    for name in ("hv1", "hv2"):
        make_host(db, name)
    wish = Wish(SLUG, (NOW + timedelta(days=1),), 60, 2)
    return book(db, actor=actor, wish=wish, now=NOW)[0]


def test_a_lab_that_is_offered_to_nobody_is_the_departments_own(db: Session, tom: Actor, eve: Actor) -> None:
    make_department_lab(db)
    assert (slugs(db, tom), slugs(db, eve)) == ([SLUG], [])
    with pytest.raises(NotFound):
        taught(db, "radiologia")
    with pytest.raises(NotFound):
        subscribe(db, eve)
    assert taught(db, "farmacia") == 1


def test_a_lab_that_is_not_published_is_seen_at_home_only(db: Session, tom: Actor, eve: Actor) -> None:
    make_draft(db)
    offer(db, to_all=True)
    assert (slugs(db, tom), slugs(db, eve)) == ([SLUG], [])
    assert (seen(db, tom).why_not, seen(db, tom).title) == (WHY_NOT_PUBLISHED, seen(db, tom).title)
    with pytest.raises(Conflict, match="not been published"):
        taught(db, "farmacia")
    with pytest.raises(NotFound):
        subscribe(db, eve)


def test_others_look_at_what_is_offered_and_teach_it_after_subscribing(db: Session, eve: Actor) -> None:
    make_department_lab(db, offered_to=("radiologia",))
    assert (seen(db, eve).why_not, seen(db, eve).own) == (WHY_NOT_SUBSCRIBED, False)
    assert SLUG not in [spec.slug for spec in teachable(db, actor=eve)]
    with pytest.raises(Conflict, match="has not subscribed"):
        book_it(db, eve)
    subscribe(db, eve)
    assert SLUG in [spec.slug for spec in teachable(db, actor=eve)]
    assert (seen(db, eve).teachable, seen(db, eve).subscribed, taught(db, "radiologia")) == (True, True, 1)


def test_a_department_that_was_not_chosen_sees_nothing(db: Session) -> None:
    make_department_lab(db, offered_to=("radiologia",))
    sue = teacher_in(db, "urgencias")
    assert slugs(db, sue) == []
    with pytest.raises(NotFound):
        subscribe(db, sue)


def test_subscribers_keep_their_version_until_they_take_the_newer_one(db: Session, tom: Actor, eve: Actor) -> None:
    make_department_lab(db, to_all=True)
    subscribe(db, eve)
    publish_again(db)
    assert (taught(db, "farmacia"), taught(db, "radiologia")) == (2, 1)
    found = seen(db, eve)
    assert found.has_news
    assert [found.version.version if found.version else 0, found.newest.version if found.newest else 0] == [1, 2]
    assert [news.text for news in lab_subscriptions.news(db, actor=eve, slug=SLUG, after=1)] == ["A new greeting"]
    subscribe(db, eve, 2)
    assert (taught(db, "radiologia"), seen(db, eve).has_news) == (2, False)
    told = db.scalars(select(AuditEntry).where(AuditEntry.action == "lab.version_taken")).one()
    assert (told.details, told.department_id) == ({"from": 1, "to": 2}, make_department(db, "radiologia").id)


def test_what_changed_in_the_guide_is_shown_line_by_line(db: Session, eve: Actor) -> None:
    old = make_department_lab(db, to_all=True)
    new = publish_again(db, welcome="Hello again.")
    lines = lab_subscriptions.changes_of_guide(old, new, "en")
    assert lines is not None
    assert [(line.sign, line.text) for line in lines][:2] == [("-", "Welcome."), ("+", "Hello again.")]
    assert lab_subscriptions.changes_of_guide(old, new, "es") == ()


def test_only_the_version_that_was_looked_at_is_taken(db: Session, eve: Actor) -> None:
    make_department_lab(db, to_all=True)
    publish_again(db)
    with pytest.raises(Conflict, match="Version 2 is out"):
        subscribe(db, eve, 1)


def test_booked_classes_keep_their_version(db: Session, eve: Actor) -> None:
    make_department_lab(db, to_all=True)
    subscribe(db, eve)
    lab_session = book_it(db, eve)
    publish_again(db)
    subscribe(db, eve, 2)
    later = Change(starts_at=NOW + timedelta(days=2))
    (moved,) = change(db, actor=eve, lab_session_id=lab_session.id, wanted=later, terms=Terms(now=NOW))
    assert moved.lab_version.version == 1


def test_a_withdrawn_lab_gets_no_new_classes_and_keeps_the_old_ones(db: Session, tom: Actor, eve: Actor) -> None:
    version = make_department_lab(db, to_all=True)
    subscribe(db, eve)
    lab_session = make_lab_session(db, lab_version=version)
    lab_offers.withdraw(db, actor=tom, slug=SLUG, now=NOW)
    for department in ("farmacia", "radiologia"):
        with pytest.raises(Conflict, match="withdrawn"):
            taught(db, department)
    assert seen(db, tom).why_not == seen(db, eve).why_not == WHY_WITHDRAWN
    assert slugs(db, teacher_in(db, "urgencias")) == []
    assert lab_session.lab_version_id == version.id
    with pytest.raises(Conflict, match="already"):
        lab_offers.withdraw(db, actor=tom, slug=SLUG, now=NOW)
    lab_offers.bring_back(db, actor=tom, slug=SLUG, now=NOW)
    assert (taught(db, "farmacia"), taught(db, "radiologia")) == (1, 1)


def test_who_subscribed_keeps_the_version_when_the_offer_ends(db: Session, eve: Actor) -> None:
    make_department_lab(db, offered_to=("radiologia",))
    subscribe(db, eve)
    offer(db)
    publish_again(db)
    assert (taught(db, "radiologia"), slugs(db, eve)) == (1, [SLUG])
    with pytest.raises(NotFound, match="not offered"):
        subscribe(db, eve, 2)


def test_unsubscribing_ends_it_for_new_classes(db: Session, eve: Actor) -> None:
    make_department_lab(db, to_all=True)
    subscribe(db, eve)
    lab_subscriptions.unsubscribe(db, actor=eve, slug=SLUG, now=NOW)
    with pytest.raises(Conflict, match="has not subscribed"):
        taught(db, "radiologia")
    with pytest.raises(NotFound):
        lab_subscriptions.unsubscribe(db, actor=eve, slug=SLUG, now=NOW)


def test_nobody_subscribes_for_a_department_in_which_they_do_not_teach(db: Session, tom: Actor, eve: Actor) -> None:
    make_department_lab(db, to_all=True)
    radiology = make_department(db, "radiologia").id
    for actor in (tom, actor_for(db, "ada", department="radiologia"), actor_for(db, "olga", role=Role.AUDITOR)):
        with pytest.raises((NotAllowed, NotFound)):
            lab_subscriptions.subscribe(db, actor=actor, slug=SLUG, version=1, now=NOW, department_id=radiology)
        with pytest.raises((NotAllowed, NotFound)):
            lab_subscriptions.unsubscribe(db, actor=actor, slug=SLUG, now=NOW, department_id=radiology)


def test_the_own_department_needs_no_subscription(db: Session, tom: Actor) -> None:
    make_department_lab(db, to_all=True)
    with pytest.raises(Conflict, match="always teaches the newest"):
        subscribe(db, tom)
    assert lab_subscriptions.standing(db, actor=tom, slug=SLUG) == []


def test_labs_of_folders_need_no_subscription(db: Session, eve: Actor) -> None:
    make_draft(db)
    with pytest.raises(NotFound):
        lab_subscriptions.subscribe(db, actor=eve, slug="wiki-page", version=1, now=NOW)


@pytest.mark.parametrize("role", [Role.REQUESTER, Role.APPROVER, Role.STUDENT, Role.AUDITOR])
def test_only_teachers_of_the_department_offer_and_withdraw(db: Session, eve: Actor, role: Role) -> None:
    make_department_lab(db, to_all=True)
    for actor in (eve, actor_for(db, "ada", role=role)):
        for verb in (lab_offers.withdraw, lab_offers.bring_back):
            with pytest.raises(NotFound):
                verb(db, actor=actor, slug=SLUG, now=NOW)
        with pytest.raises(NotFound):
            lab_offers.offer(db, actor=actor, slug=SLUG, to_all=False, departments=[], now=NOW)
        with pytest.raises(NotFound):
            lab_offers.subscribers(db, actor=actor, slug=SLUG)


def test_an_offer_names_departments_that_are_there(db: Session, tom: Actor) -> None:
    make_department_lab(db)
    with pytest.raises(Invalid, match="no department"):
        offer(db, "farmacya")


def test_the_owner_sees_who_subscribed(db: Session, tom: Actor, eve: Actor) -> None:
    make_department_lab(db, to_all=True)
    subscribe(db, eve)
    ((department, version),) = lab_offers.subscribers(db, actor=tom, slug=SLUG)
    assert (department.slug, version.version) == ("radiologia", 1)


def test_a_lab_opens_no_template_to_a_department_that_may_not_order_it(db: Session, eve: Actor) -> None:
    make_department_lab(db, to_all=True)
    subscribe(db, eve)
    template = db.get_one(Template, "micro-linux")
    assert template.spec is not None
    template.spec = {**template.spec, "may_order": ["farmacia"]}
    with pytest.raises(Conflict, match="not open to the department"):
        taught(db, "radiologia")
    assert not seen(db, eve).teachable
    assert taught(db, "farmacia") == 1


def test_the_auditor_and_the_administrator_see_all(db: Session) -> None:
    make_department_lab(db)
    for role in (Role.AUDITOR, Role.ADMIN):
        assert slugs(db, actor_for(db, f"{role}", role=role)) == [SLUG]


def test_one_department_of_several_has_subscribed(db: Session) -> None:
    """Who teaches in both books for the one that has; for the other one it is refused."""
    make_department_lab(db, to_all=True)
    sue = actor_for(db, "sue", role=Role.TEACHER, department="radiologia")
    both = Actor(sue.account_id, "Sue", (*sue.grants, *teacher_in(db, "urgencias").grants))
    radiology = make_department(db, "radiologia").id
    with pytest.raises(Conflict, match="choose a department"):
        subscribe(db, both)
    lab_subscriptions.subscribe(db, actor=both, slug=SLUG, version=1, now=NOW, department_id=radiology)
    assert [(one.department.slug, one.may_take) for one in lab_subscriptions.standing(db, actor=both, slug=SLUG)] == [
        ("radiologia", False),
        ("urgencias", True),
    ]
    with pytest.raises(Conflict, match="has not subscribed"):
        taught(db, "urgencias")


def test_what_subscribers_do_is_written_down_for_their_department(db: Session, eve: Actor) -> None:
    make_department_lab(db, to_all=True)
    subscribe(db, eve)
    lab_subscriptions.unsubscribe(db, actor=eve, slug=SLUG, now=NOW)
    radiology = make_department(db, "radiologia").id
    entries = db.scalars(select(AuditEntry.action).where(AuditEntry.department_id == radiology)).all()
    assert entries == ["lab.subscribed", "lab.unsubscribed"]


def test_a_draft_is_not_what_subscribers_get(db: Session, eve: Actor) -> None:
    make_department_lab(db, to_all=True)
    subscribe(db, eve)
    draft = db.get_one(LabDraft, SLUG)
    draft.files = {**draft.files, "guide.en.md": "Secret plans."}
    found = seen(db, eve).spec
    assert found is not None
    assert "Secret plans" not in found.guide.en
