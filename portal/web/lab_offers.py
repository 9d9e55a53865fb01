"""A department's published lab: to whom it is offered, withdrawn, brought back."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import PortalError
from portal.core.policy import Permission
from portal.services import department_labs, departments, lab_offers
from portal.web.context import actor, db, now, permission
from portal.web.forms.lab_offers import ALL, OfferForm
from portal.web.languages import current_language, in_words

bp = Blueprint("lab_offers", __name__, url_prefix="/labs")


@bp.route("/<slug>/offer", methods=["GET", "POST"])
@permission(Permission.TEACH)
def offer(slug: str) -> ResponseReturnValue:
    _lab, published = department_labs.own(db(), actor=actor(), slug=slug)
    others = [one for one in departments.listing(db()) if one.id != published.department_id]
    form = OfferForm().offer(others)
    if not form.is_submitted():
        form.show(published)
    if not form.validate_on_submit():
        return offer_page(slug, form), 422 if form.is_submitted() else 200
    try:
        lab_offers.offer(
            db(), actor=actor(), slug=slug, to_all=form.to.data == ALL, departments=form.chosen, now=now()
        )  # fmt: skip
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return offer_page(slug, form), error.status
    db().commit()
    flash(_("Who may subscribe is changed."), "success")
    return redirect(url_for("labs.show", slug=slug), 303)


def offer_page(slug: str, form: OfferForm) -> str:
    lab, published = department_labs.own(db(), actor=actor(), slug=slug)
    return render_template(
        "lab_offers/offer.html",
        slug=slug,
        form=form,
        newest=lab.newest,
        title=department_labs.title_of(published).read(current_language()),
        subscribers=lab_offers.subscribers(db(), actor=actor(), slug=slug),
    )


@bp.get("/<slug>/withdraw")
@permission(Permission.TEACH)
def ask_withdraw(slug: str) -> ResponseReturnValue:
    _lab, published = department_labs.own(db(), actor=actor(), slug=slug)
    return render_template(
        "components/confirm.html",
        title=_("Withdraw this lab?"),
        text=_("Nobody books new classes of “%(lab)s” any more, in no department.",
               lab=department_labs.title_of(published).read(current_language())),
        note=_("Classes that are booked take place, and it can be brought back at any time."),
        words=_("Withdraw the lab"),
        danger=True,
        action=url_for("lab_offers.withdraw", slug=slug),
        back=url_for("labs.show", slug=slug),
    )  # fmt: skip


@bp.post("/<slug>/withdraw")
@permission(Permission.TEACH)
def withdraw(slug: str) -> ResponseReturnValue:
    lab_offers.withdraw(db(), actor=actor(), slug=slug, now=now())
    db().commit()
    flash(_("The lab is withdrawn."), "success")
    return redirect(url_for("labs.show", slug=slug), 303)


@bp.post("/<slug>/bring-back")
@permission(Permission.TEACH)
def bring_back(slug: str) -> ResponseReturnValue:
    lab_offers.bring_back(db(), actor=actor(), slug=slug, now=now())
    db().commit()
    flash(_("Classes of this lab can be booked again."), "success")
    return redirect(url_for("labs.show", slug=slug), 303)
