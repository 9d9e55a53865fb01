"""The catalogue: what can be ordered, found by what it is for."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, send_from_directory

from portal.core.errors import N_, NotFound
from portal.core.policy import Permission
from portal.services import templates
from portal.services.templates import Offer
from portal.web.context import actor, db, permission, site
from portal.web.search_words import contains_words

bp = Blueprint("catalogue", __name__, url_prefix="/catalogue")

CATEGORY_NAMES = {
    "training": N_("Teach and learn"),
    "web": N_("Share knowledge"),
    "server": N_("A server of one's own"),
    "test": N_("Try things out"),
    "windows": N_("Keep an old application running"),
}


@bp.get("")
@permission(Permission.SEE_CATALOGUE)
def show() -> str:
    """The whole catalogue; htmx asks for the list alone while somebody types."""
    text = request.args.get("q", "").strip()[:100]
    category = request.args.get("category", "")
    whole = [offer for offer in templates.catalogue(db(), actor=actor()) if is_whole(offer)]
    found = [offer for offer in whole if matches(offer, text)]
    shown = [offer for offer in found if not category or category_of(offer) == category]
    page = "catalogue/_shelves.html" if "HX-Request" in request.headers else "catalogue/show.html"
    return render_template(
        page,
        offers=sorted(shown, key=place_of),
        categories=sorted({category_of(offer) for offer in found}, key=place_of_category),
        names=CATEGORY_NAMES,
        total=len(whole),
        text=text,
        category=category,
    )


@bp.get("/<slug>/picture")
@permission(Permission.SEE_CATALOGUE)
def picture(slug: str) -> Response:
    """The picture in the template's folder; as an image only, whatever it holds."""
    offer = templates.get(db(), actor=actor(), slug=slug)
    if offer.spec is None:
        raise NotFound(N_("There is no such picture."))
    response = send_from_directory(site().settings.templates_dir / offer.slug, offer.spec.picture, max_age=3600)
    response.headers["Cache-Control"] = "private, max-age=3600"
    # an SVG opened by itself must not run anything
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


def is_whole(offer: Offer) -> bool:
    """Broken and vanished templates are the administrator's affair and stand on the page of templates."""
    return offer.spec is not None and not offer.errors and offer.why_not != templates.WHY_GONE


def category_of(offer: Offer) -> str:
    return offer.spec.category if offer.spec else ""


def matches(offer: Offer, text: str) -> bool:
    """Both languages are searched: people write "wiki" and "prueba" on the same day."""
    spec = offer.spec
    if spec is None:
        return False
    words = (spec.slug, spec.name.es, spec.name.en, spec.description.es, spec.description.en, spec.system.name)
    return contains_words(" ".join((*words, *spec.tasks.es, *spec.tasks.en)), text)


def place_of(offer: Offer) -> tuple[bool, int, str]:
    """What can be ordered comes first, then by what it is for."""
    return (not offer.orderable, place_of_category(category_of(offer)), offer.slug)


def place_of_category(category: str) -> int:
    """The order of CATEGORY_NAMES; a category that a hospital has made up comes last."""
    known = list(CATEGORY_NAMES)
    return known.index(category) if category in known else len(known)
