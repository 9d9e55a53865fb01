"""A department takes a lab over as its own."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import PortalError
from portal.core.policy import Permission
from portal.services import department_labs, lab_clones, labs
from portal.web.context import actor, db, now, permission, site
from portal.web.forms.lab_drafts import CloneForm
from portal.web.languages import in_words

bp = Blueprint("lab_clones", __name__, url_prefix="/labs")


@bp.route("/<slug>/clone", methods=["GET", "POST"])
@permission(Permission.TEACH)
def clone(slug: str) -> ResponseReturnValue:
    offer = labs.get(db(), actor=actor(), slug=slug)
    form = CloneForm(data={"name": slug.rpartition(".")[2]})
    form.offer(department_labs.teaching_departments(db(), actor()))
    if not form.validate_on_submit():
        page = render_template("lab_clones/clone.html", offer=offer, form=form)
        return page, 422 if form.is_submitted() else 200
    chosen = form.department_id.data if "department_id" in form else ""
    try:
        lab = lab_clones.clone(
            db(),
            actor=actor(),
            reader=site().lab_reader,
            slug=slug,
            name=form.name.data or "",
            now=now(),
            department_id=UUID(chosen) if chosen else None,
        )
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        offer = labs.get(db(), actor=actor(), slug=slug)
        return render_template("lab_clones/clone.html", offer=offer, form=form), error.status
    db().commit()
    flash(_("This is your department’s own copy now. Nobody else sees it until it is published."), "success")
    return redirect(url_for("lab_drafts.edit", slug=lab.slug), 303)
