"""GET /templates: the catalogue."""

from __future__ import annotations

from apiflask import APIBlueprint

from portal.api.auth import permission
from portal.api.context import actor, reading
from portal.api.languages import language, translated
from portal.api.schemas.templates import ChoiceOut, LimitsOut, ParameterOut, SizeOut, TemplateOut
from portal.core.policy import Permission
from portal.core.templates import Parameter, ParameterKind, Range, Size, TemplateSpec
from portal.services import templates
from portal.services.templates import Offer

bp = APIBlueprint("templates", __name__, url_prefix="/templates", tag="Templates")


@bp.get("")
@bp.output(list[TemplateOut])  # type: ignore[arg-type] # APIFlask takes it, and its types do not say so
@bp.doc(summary="What may be ordered", operation_id="list_templates")
@permission(Permission.SEE_CATALOGUE)
def index() -> list[TemplateOut]:
    with reading() as db:
        offers = templates.catalogue(db, actor=actor())
    return [template_out(offer, offer.spec) for offer in offers if offer.spec is not None]


def template_out(offer: Offer, spec: TemplateSpec) -> TemplateOut:
    locale = language()
    return TemplateOut(
        slug=offer.slug,
        name=spec.name.read(locale),
        description=spec.description.read(locale),
        category=spec.category,
        version=offer.version.version if offer.version else None,
        orderable=offer.orderable,
        why_not=translated(offer.why_not) if offer.why_not else None,
        operating_system=spec.system.name,
        support_ends=spec.system.support_ends,
        network=str(spec.network),
        sizes=[size_out(size, locale) for size in spec.sizes],
        parameters=[parameter_out(parameter, locale) for parameter in spec.parameters],
    )


def size_out(size: Size, locale: str) -> SizeOut:
    return SizeOut(
        slug=size.slug,
        label=size.label.read(locale),
        vcpus=size.vcpus.default,
        memory_mib=size.memory_mib.default,
        disk_gib=size.disk_gib.default,
        limits={
            "vcpus": limits_out(size.vcpus),
            "memory_mib": limits_out(size.memory_mib),
            "disk_gib": limits_out(size.disk_gib),
        },
    )


def limits_out(quantity: Range) -> LimitsOut:
    return LimitsOut(min=quantity.minimum, max=quantity.maximum)


def parameter_out(parameter: Parameter, locale: str) -> ParameterOut:
    is_text = parameter.kind in {ParameterKind.TEXT, ParameterKind.SECRET}
    return ParameterOut(
        name=parameter.name,
        kind=str(parameter.kind),
        label=parameter.label.read(locale),
        required=parameter.required,
        default=None if parameter.is_secret else parameter.default,
        pattern=parameter.pattern,
        pattern_help=parameter.pattern_help.read(locale) if parameter.pattern_help else None,
        min_length=parameter.min_length if is_text else None,
        max_length=parameter.max_length if is_text else None,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        choices=[ChoiceOut(value=choice.value, label=choice.label.read(locale)) for choice in parameter.choices],
    )
