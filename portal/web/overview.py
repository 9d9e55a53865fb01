"""The first page after log-in: what waits for me, what runs, what ends soon; what is wrong, for administrators."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from portal.core.policy import Permission
from portal.models import AuditEntry
from portal.services import audit, capacity, class_decision_cards, overview, templates
from portal.services.capacity import Capacity
from portal.web.class_links import title_of
from portal.web.context import actor, any_account, db, now, site

bp = Blueprint("overview", __name__)


@bp.get("/")
@any_account
def show() -> ResponseReturnValue:
    person = actor()
    return render_template(
        "overview/overview.html",
        overview=overview.overview(db(), actor=person, now=now()),
        classes=class_decision_cards.to_decide(db(), actor=person, now=now()) if person.may(Permission.APPROVE) else [],
        title_of=title_of,
        cluster=cluster() if person.may(Permission.SEE_HOSTS) else None,
        broken=broken() if person.may(Permission.MANAGE_TEMPLATES) else [],
        entries=newest_entries() if person.may(Permission.SEE_AUDIT) else None,
        may=person.may,
        P=Permission,
    )


def cluster() -> Capacity:
    return capacity.cluster(db(), reserve_hosts=site().settings.reserve_hosts, now=now())


def newest_entries() -> Sequence[AuditEntry]:
    return audit.entries(db(), actor=actor(), per_page=overview.FEW).items


def broken() -> list[str]:
    return [offer.slug for offer in templates.catalogue(db(), actor=actor()) if offer.errors]
