"""The catalogue: what can be ordered, found by what it is for."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, render_template, request, send_from_directory
from flask_babel import gettext

from portal.core.errors import N_, NotFound
from portal.core.policy import Permission
from portal.services import templates
from portal.services.templates import Offer
from portal.web.context import actor, db, permission, site
from portal.web.languages import current_language
from portal.web.search_words import matches, words_of

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
    words = words_of(text)
    found = best_of(whole, words)
    shown = [offer for offer in found if not category or category_of(offer) == category]
    page = "catalogue/_shelves.html" if "HX-Request" in request.headers else "catalogue/show.html"
    return render_template(
        page,
        offers=sorted(shown, key=lambda offer: (not offer.orderable, -in_name(offer, words), *place_of(offer))),
        categories=sorted({category_of(offer) for offer in found}, key=place_of_category),
        names=category_names(whole),
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


def category_names(offers: Sequence[Offer]) -> dict[str, str]:
    """In the reader's words: ours, else what a hospital's own template says, else the slug."""
    names = {category: gettext(words) for category, words in CATEGORY_NAMES.items()}
    for offer in offers:
        own = offer.spec.category_name if offer.spec else None
        names.setdefault(category_of(offer), own.read(current_language()) if own else category_of(offer))
    return names


def best_of(offers: Sequence[Offer], words: Sequence[str]) -> list[Offer]:
    """What has all of the words; where nothing has, what has most of them."""
    scores = [matches(all_words(offer), words) for offer in offers]
    best = max(scores, default=0)
    if words and not best:
        return []
    return [offer for offer, score in zip(offers, scores, strict=True) if score == best]


def all_words(offer: Offer) -> str:
    """Both languages are searched: people write "wiki" and "prueba" on the same day."""
    spec = offer.spec
    if spec is None:
        return ""
    texts = [spec.name, spec.description, *(size.label for size in spec.sizes)]
    both = [word for words in texts for word in (words.es, words.en)]
    return " ".join([spec.slug, spec.system.name, *both, *spec.tasks.es, *spec.tasks.en])


def in_name(offer: Offer, words: Sequence[str]) -> int:
    """A word in the name says more than one in the description."""
    return matches(f"{offer.slug} {offer.spec.name.es} {offer.spec.name.en}", words) if offer.spec else 0


def place_of(offer: Offer) -> tuple[int, str]:
    return (place_of_category(category_of(offer)), offer.slug)


def place_of_category(category: str) -> int:
    """The order of CATEGORY_NAMES; a category that a hospital has made up comes last."""
    known = list(CATEGORY_NAMES)
    return known.index(category) if category in known else len(known)
