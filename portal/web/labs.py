"""The library of labs: what can be taught, found by what it teaches, and the guide as students will see it."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template, request
from flask_babel import gettext

from portal.core.errors import N_
from portal.core.labs import Level
from portal.core.policy import Permission
from portal.services import department_labs, lab_subscriptions, labs
from portal.services.lab_subscriptions import Subscription
from portal.services.labs import LabOffer
from portal.web.context import actor, db, permission
from portal.web.guides import guide_of
from portal.web.lab_trials import card_of, verdicts
from portal.web.languages import LANGUAGES, current_language
from portal.web.search_words import matches, words_of

bp = Blueprint("labs", __name__, url_prefix="/labs")

SUBJECT_NAMES = {
    "linux": N_("Linux"),
    "web": N_("Web and wikis"),
    "imaging": N_("Medical images"),
    "messages": N_("Messages between systems"),
    "network": N_("Networks"),
    "security": N_("Security"),
}
LEVEL_NAMES = {
    Level.BEGINNER: N_("for beginners"),
    Level.INTERMEDIATE: N_("with some experience"),
    Level.ADVANCED: N_("for experts"),
}


WHOSE = ("house", "own", "offered")


@bp.app_template_filter("level_name")
def level_name(level: Level) -> str:
    return str(gettext(LEVEL_NAMES[level]))


@bp.app_template_filter("subject_name")
def subject_name(subject: str) -> str:
    """Ours in the reader's words; a subject of the hospital's own as it is written."""
    return str(gettext(SUBJECT_NAMES[subject])) if subject in SUBJECT_NAMES else subject.replace("-", " ").capitalize()


@bp.get("")
@permission(Permission.SEE_LABS)
def index() -> str:
    """The whole library; htmx asks for the list alone while somebody types."""
    text = request.args.get("q", "").strip()[:100]
    subject, whose = request.args.get("subject", ""), request.args.get("whose", "")
    whole = labs.library(db(), actor=actor())
    found = [offer for offer in best_of(whole, words_of(text)) if whose not in WHOSE or whose_is(offer) == whose]
    shown = [offer for offer in found if not subject or subject_of(offer) == subject]
    page = "labs/_shelves.html" if "HX-Request" in request.headers else "labs/index.html"
    return render_template(
        page,
        offers=sorted(shown, key=lambda offer: (bool(offer.errors), not offer.teachable, offer.slug)),
        subjects=sorted({subject_of(offer) for offer in found} - {""}, key=place_of_subject),
        total=len(whole),
        text=text,
        subject=subject,
        whose=whose if whose in WHOSE else "",
        shelves=[name for name in WHOSE if any(whose_is(offer) == name for offer in whole)],
        verdicts=verdicts(),
    )


def whose_is(offer: LabOffer) -> str:
    """The shelf of a lab: the house's, the person's own department's, or another department's."""
    if offer.published is None:
        return "house"
    return "own" if offer.own else "offered"


@bp.get("/<slug>")
@permission(Permission.SEE_LABS)
def show(slug: str) -> str:
    """What is taught, what a seat takes, and the guide; `guide` chooses the guide's language."""
    offer = labs.get(db(), actor=actor(), slug=slug)
    wanted = request.args.get("guide", "")
    guide_language = wanted if wanted in LANGUAGES else current_language()
    guide = guide_of(offer.spec, guide_language, live=False) if offer.spec else None
    return render_template(
        "labs/show.html",
        offer=offer,
        guide=guide,
        guide_language=guide_language,
        standing=standing_of(offer),
        may_change=offer.published is not None and department_labs.may_change(actor(), offer.published),
        trial=card_of(offer),
    )


def standing_of(offer: LabOffer) -> list[Subscription]:
    """What the person's departments have of another department's lab."""
    if offer.published is None or offer.newest is None or not actor().may(Permission.TEACH):
        return []
    return lab_subscriptions.standing(db(), actor=actor(), slug=offer.slug)


def subject_of(offer: LabOffer) -> str:
    return offer.spec.subject if offer.spec else ""


def place_of_subject(subject: str) -> tuple[int, str]:
    """The order of SUBJECT_NAMES; what a hospital has made up comes last."""
    known = list(SUBJECT_NAMES)
    return (known.index(subject) if subject in known else len(known), subject)


def best_of(offers: Sequence[LabOffer], words: Sequence[str]) -> list[LabOffer]:
    """What has all of the words; where nothing has, what has most of them."""
    scores = [matches(all_words(offer), words) for offer in offers]
    best = max(scores, default=0)
    if words and not best:
        return []
    return [offer for offer, score in zip(offers, scores, strict=True) if score == best]


def all_words(offer: LabOffer) -> str:
    """Both languages are searched, as in the catalogue."""
    spec = offer.spec
    if spec is None:
        return f"{offer.slug} {offer.title.es} {offer.title.en}" if offer.title else offer.slug
    texts = [spec.title, spec.summary, *(step.title for step in spec.steps), *(one.label for one in spec.machines)]
    both = [word for words in texts for word in (words.es, words.en)]
    subject = SUBJECT_NAMES.get(spec.subject, "")
    owner = offer.published.department.name if offer.published else ""
    return " ".join([spec.slug, owner, spec.subject, subject, gettext(subject) if subject else "", *both])
