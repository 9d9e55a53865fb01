"""/lab-sessions/<id>/people: who has a personal link to a class, more people, new links, and links that end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from portal.api.auth import permission
from portal.api.context import actor, letters, now, reading, writing
from portal.api.idempotency import once
from portal.api.lab_session_views import lab_session_out
from portal.api.lab_sessions import link_out, people_named
from portal.api.schemas.class_people import InviteIn, LinksOut, ListedOut, OnlyListedIn, PeopleOut, RenewIn
from portal.api.schemas.lab_sessions import LabSessionOut
from portal.core.policy import Permission
from portal.models import Invitation
from portal.services import invitations, lab_sessions
from portal.services.invitations import PersonalLink

bp = APIBlueprint("class_people", __name__, url_prefix="/lab-sessions/<uuid:lab_session_id>/people", tag="Classes")


@bp.get("")
@bp.output(PeopleOut)
@bp.doc(summary="Who has a personal link", operation_id="list_class_people")
@permission(Permission.TEACH)
def index(lab_session_id: UUID) -> PeopleOut:
    with reading() as db:
        lab_session = lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id)
        items = [listed_out(one) for one in invitations.listed(db, lab_session)]
        return PeopleOut(only_listed=lab_session.only_listed, items=items)


def listed_out(row: Invitation) -> ListedOut:
    return ListedOut(id=row.id, name=row.name, email=row.email, came=row.student_id is not None)


@bp.post("")
@bp.input(InviteIn, arg_name="wish")
@bp.output(LinksOut, status_code=201)
@bp.doc(summary="Put people on the list", operation_id="invite_class_people")
@permission(Permission.TEACH)
def invite(lab_session_id: UUID, wish: InviteIn) -> tuple[Any, int]:
    """Whoever has a mail address gets a letter too."""

    def work(db: Session) -> dict[str, Any]:
        people = people_named(wish.people)
        return links_out(
            invitations.add(db, actor=actor(), lab_session_id=lab_session_id, people=people, now=now(), **letters())
        )

    return once(work, status=201, shown_once="links")


@bp.post("/links")
@bp.input(RenewIn, arg_name="wish")
@bp.output(LinksOut)
@bp.doc(summary="Make new personal links", operation_id="renew_class_links")
@permission(Permission.TEACH)
def renew(lab_session_id: UUID, wish: RenewIn) -> tuple[Any, int]:
    """The old ones lead nowhere from now on."""

    def work(db: Session) -> dict[str, Any]:
        return links_out(
            invitations.renew(
                db, actor=actor(), lab_session_id=lab_session_id, invitation_ids=wish.people, now=now(), **letters()
            )
        )

    return once(work, status=200, shown_once="links")


@bp.delete("/<uuid:invitation_id>")
@bp.output(ListedOut)
@bp.doc(summary="End a personal link", operation_id="revoke_class_link")
@permission(Permission.TEACH)
def revoke(lab_session_id: UUID, invitation_id: UUID) -> ListedOut:
    """Whoever sat down by it already is shut out; their seat stays as it is."""
    with writing() as db:
        return listed_out(
            invitations.revoke(db, actor=actor(), lab_session_id=lab_session_id, invitation_id=invitation_id, now=now())
        )


@bp.post("/only")
@bp.input(OnlyListedIn, arg_name="wish")
@bp.output(LabSessionOut)
@bp.doc(summary="Let only people on the list come in, or everybody with the code", operation_id="set_only_listed")
@permission(Permission.TEACH)
def set_only_listed(lab_session_id: UUID, wish: OnlyListedIn) -> LabSessionOut:
    with writing() as db:
        invitations.set_only_listed(db, actor=actor(), lab_session_id=lab_session_id, only=wish.only_listed, now=now())
        return lab_session_out(lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id))


def links_out(links: list[PersonalLink]) -> dict[str, Any]:
    return LinksOut(links=[link_out(link) for link in links]).model_dump(mode="json")
