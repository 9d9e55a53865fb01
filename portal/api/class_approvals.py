"""/lab-sessions/waiting, <id>/approve and /deny: decisions on large classes, once, and never on one's own."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apiflask import APIBlueprint

from portal.api.auth import permission
from portal.api.context import actor, now, reading, site, writing
from portal.api.lab_session_views import approval_out
from portal.api.schemas.approvals import DenyIn
from portal.api.schemas.class_approvals import AgreeIn, DecisionOut, WaitingClassesOut, WaitingClassOut
from portal.core.policy import Permission
from portal.models import LabSession
from portal.services import class_approvals, class_decision_cards
from portal.services.class_decision_cards import ClassCard

bp = APIBlueprint("class_approvals", __name__, url_prefix="/lab-sessions", tag="Approvals")


@bp.get("/waiting")
@bp.output(WaitingClassesOut)
@bp.doc(summary="Classes that wait for a decision", operation_id="list_waiting_lab_sessions")
@permission(Permission.APPROVE)
def waiting() -> WaitingClassesOut:
    """Of the departments for which one decides, the soonest first; the dates of a series are one item."""
    with reading() as db:
        reserve_hosts = site().settings.reserve_hosts
        cards = class_decision_cards.waiting(db, actor=actor(), now=now(), reserve_hosts=reserve_hosts)
        return WaitingClassesOut(items=[waiting_out(card) for card in cards])


@bp.post("/<uuid:lab_session_id>/approve")
@bp.input(AgreeIn, arg_name="answer")
@bp.output(DecisionOut)
@bp.doc(summary="Agree to a large class", operation_id="approve_lab_session")
@permission(Permission.APPROVE)
def approve(lab_session_id: UUID, answer: AgreeIn) -> DecisionOut:
    """To all dates of its series that wait."""
    settings = site().settings
    with writing() as db:
        decided = class_approvals.approve(
            db,
            actor=actor(),
            lab_session_id=lab_session_id,
            now=now(),
            comment=answer.comment,
            base_url=settings.base_url,
            timezone=settings.timezone,
        )
        return decision_out(decided)


@bp.post("/<uuid:lab_session_id>/deny")
@bp.input(DenyIn, arg_name="answer")
@bp.output(DecisionOut)
@bp.doc(summary="Refuse a large class, with a reason", operation_id="deny_lab_session")
@permission(Permission.APPROVE)
def deny(lab_session_id: UUID, answer: DenyIn) -> DecisionOut:
    """All dates of its series that wait are cancelled."""
    settings = site().settings
    with writing() as db:
        decided = class_approvals.deny(
            db,
            actor=actor(),
            lab_session_id=lab_session_id,
            reason=answer.reason,
            now=now(),
            base_url=settings.base_url,
            timezone=settings.timezone,
        )
        return decision_out(decided)


def decision_out(decided: Sequence[LabSession]) -> DecisionOut:
    first = decided[0]
    return DecisionOut(state=first.state, approval=approval_out(first), decided=[one.id for one in decided])


def waiting_out(card: ClassCard) -> WaitingClassOut:
    first = card.first
    return WaitingClassOut(
        id=first.id,
        lab=first.lab_slug,
        teacher=first.teacher.name,
        department=first.department.slug,
        starts_at=[one.starts_at for one in card.dates],
        minutes=int((first.ends_at - first.starts_at).total_seconds() // 60),
        room=first.room,
        seats=first.seats,
        spares=first.spares,
        memory_mib=card.takes.memory_mib,
        memory_left_mib=card.left.memory_mib,
        vcpus_left=card.left.vcpus,
        own=card.own,
    )
