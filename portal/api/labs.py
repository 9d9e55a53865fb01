"""/labs: what can be taught; taken over as a department's own, or subscribed to."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from portal.api.auth import permission
from portal.api.context import actor, now, reading, site
from portal.api.idempotency import once
from portal.api.lab_sessions import department_id_of
from portal.api.lab_trials import last_trial
from portal.api.languages import language, said
from portal.api.lines import error_line
from portal.api.schemas.labs import (
    CloneIn,
    CloneOut,
    LabDoorOut,
    LabMachineOut,
    LabOut,
    LabStepOut,
    LabWithGuideOut,
    SubscribeIn,
    SubscriptionOut,
)
from portal.api.schemas.values import AmountOut
from portal.core.errors import N_, NotFound
from portal.core.labs import LabSpec
from portal.core.policy import Permission
from portal.models import Department, LabVersion
from portal.services import lab_clones, lab_subscriptions, labs
from portal.services.labs import LabOffer

bp = APIBlueprint("labs", __name__, url_prefix="/labs", tag="Labs")


@bp.get("")
@bp.output(list[LabOut])  # type: ignore[arg-type] # APIFlask takes it, and its types do not say so
@bp.doc(summary="What can be taught", operation_id="list_labs")
@permission(Permission.SEE_LABS)
def index() -> list[LabOut]:
    """Labs that never had a good version are left out."""
    with reading() as db:
        offers = labs.library(db, actor=actor())
        return [
            LabOut(**fields_of(offer, offer.spec, offer.version))
            for offer in offers
            if offer.spec is not None and offer.version is not None
        ]


@bp.get("/<slug>")
@bp.output(LabWithGuideOut)
@bp.doc(summary="One lab with its guide", operation_id="get_lab")
@permission(Permission.SEE_LABS)
def get(slug: str) -> LabWithGuideOut:
    nothing = NotFound(N_("There is no lab “%(slug)s”."), slug=slug[:60])
    if not slug.isprintable():  # databases keep no NUL
        raise nothing
    with reading() as db:
        offer = labs.get(db, actor=actor(), slug=slug)
        if offer.spec is None or offer.version is None:
            raise nothing
        guide = offer.spec.guide.read(language())
        trial = last_trial(db, offer.spec)
        return LabWithGuideOut(**fields_of(offer, offer.spec, offer.version), guide=guide, trial=trial)


@bp.post("/<slug>/clone")
@bp.input(CloneIn, arg_name="wanted")
@bp.output(CloneOut, status_code=201)
@bp.doc(summary="Take a lab over as the department's own", operation_id="clone_lab")
@permission(Permission.TEACH)
def clone(slug: str, wanted: CloneIn) -> tuple[Any, int]:
    """Its draft is written on the pages. Nobody else sees it until it is published."""
    return once(lambda db: cloned(db, slug, wanted), status=201)


def cloned(db: Session, slug: str, wanted: CloneIn) -> dict[str, Any]:
    lab = lab_clones.clone(
        db,
        actor=actor(),
        reader=site().lab_reader,
        slug=known(slug),
        name=wanted.name,
        now=now(),
        department_id=department_id_of(db, wanted.department) if wanted.department else None,
    )
    assert lab.published is not None  # noqa: S101 - that is what a clone is
    department = db.get_one(Department, lab.published.department_id)
    origin = f"{lab.published.origin_slug} v{lab.published.origin_version}"
    return CloneOut(slug=lab.slug, department=department.slug, cloned_from=origin).model_dump(mode="json")


@bp.post("/<slug>/subscription")
@bp.input(SubscribeIn, arg_name="wanted")
@bp.output(SubscriptionOut)
@bp.doc(summary="Subscribe a department to a version, or take a newer one", operation_id="subscribe_to_lab")
@permission(Permission.TEACH)
def subscribe(slug: str, wanted: SubscribeIn) -> tuple[Any, int]:
    """409 if another version is the newest by now: look at it first."""
    return once(lambda db: subscribed(db, slug, wanted), status=200)


def subscribed(db: Session, slug: str, wanted: SubscribeIn) -> dict[str, Any]:
    held = lab_subscriptions.subscribe(
        db,
        actor=actor(),
        slug=known(slug),
        version=wanted.version,
        now=now(),
        department_id=department_id_of(db, wanted.department) if wanted.department else None,
    )
    department = db.get_one(Department, held.department_id).slug
    return SubscriptionOut(lab=held.lab_slug, department=department, version=wanted.version).model_dump(mode="json")


def known(slug: str) -> str:
    """Databases keep no NUL."""
    if not slug.isprintable():
        raise NotFound(N_("There is no lab “%(slug)s”."), slug="")
    return slug


def fields_of(offer: LabOffer, spec: LabSpec, version: LabVersion) -> dict[str, Any]:
    locale, amount = language(), offer.amount
    return {
        "slug": offer.slug,
        "title": spec.title.read(locale),
        "summary": spec.summary.read(locale),
        "subject": spec.subject,
        "level": spec.level,
        "minutes": spec.minutes,
        "version": version.version,
        "newest_version": (offer.newest or version).version,
        **whose(offer),
        "teachable": offer.teachable,
        "why_not": said(offer.why_not, offer.why_params) if offer.why_not else None,
        "errors": [error_line(error) for error in offer.errors],
        "seat": AmountOut(
            machines=amount.machines, vcpus=amount.vcpus, memory_mib=amount.memory_mib, disk_gib=amount.disk_gib
        ),
        "machines": [
            LabMachineOut(name=one.name, label=one.label.read(locale), template=one.template, size=one.size)
            for one in spec.machines
        ],
        "doors": [LabDoorOut(name=one.name, label=one.label.read(locale), machine=one.machine) for one in spec.doors],
        "steps": [LabStepOut(step=one.slug, title=one.title.read(locale)) for one in spec.steps],
    }


def whose(offer: LabOffer) -> dict[str, Any]:
    published = offer.published
    if published is None:
        return {}
    origin = f"{published.origin_slug} v{published.origin_version}"
    return {"department": published.department.slug, "cloned_from": origin, "subscribed": offer.subscribed}
