"""/labs: what can be taught."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from portal.api.auth import permission
from portal.api.context import actor, reading
from portal.api.lab_trials import last_trial
from portal.api.languages import language, said
from portal.api.lines import error_line
from portal.api.schemas.labs import LabDoorOut, LabMachineOut, LabOut, LabStepOut, LabWithGuideOut
from portal.api.schemas.values import AmountOut
from portal.core.errors import N_, NotFound
from portal.core.labs import LabSpec
from portal.core.policy import Permission
from portal.models import LabVersion
from portal.services import labs
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
