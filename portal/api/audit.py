"""GET /audit: who did what, when and why."""

from __future__ import annotations

from apiflask import APIBlueprint

from portal.api.auth import permission
from portal.api.context import actor, reading
from portal.api.paging import as_asked
from portal.api.schemas.audit import AuditEntryOut, AuditOut, AuditQuery
from portal.core.policy import Permission
from portal.models import AuditEntry
from portal.services import audit
from portal.services.audit import AuditFilter

bp = APIBlueprint("audit", __name__, url_prefix="/audit", tag="Audit")


@bp.get("")
@bp.input(AuditQuery, location="query", arg_name="query")
@bp.output(AuditOut)
@bp.doc(summary="The audit log, newest first", operation_id="list_audit_entries")
@permission(Permission.SEE_AUDIT)
def index(query: AuditQuery) -> AuditOut:
    filters = AuditFilter(
        action=query.action,
        actor_id=query.actor_id,
        subject_id=query.subject_id,
        since=query.since,
        until=query.until,
    )
    with reading() as db:
        found = audit.entries(db, actor=actor(), filters=filters, page=query.page, per_page=query.limit)
        page = as_asked(found, query.page)
        items = [entry_out(entry) for entry in page.items]
    return AuditOut(items=items, page=page.number, pages=page.pages, total=page.total, more=page.more)


def entry_out(entry: AuditEntry) -> AuditEntryOut:
    return AuditEntryOut(
        id=entry.id,
        at=entry.at,
        actor_id=entry.actor_id,
        actor=entry.actor,
        action=entry.action,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        subject_name=entry.subject_name,
        reason=entry.reason,
        details=entry.details,
        digest=entry.digest,
    )
