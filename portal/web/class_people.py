"""The list of a class's people: who has a personal link, more people, new links, and links that end."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import Invalid, NotFound, PortalError
from portal.core.policy import Permission
from portal.services import invitations, lab_sessions
from portal.web.class_links import links_page, title_of
from portal.web.context import actor, db, now, permission, site
from portal.web.forms.class_people import PeopleForm
from portal.web.languages import in_words

bp = Blueprint("class_people", __name__, url_prefix="/classes/<uuid:lab_session_id>/people")


def people_page(lab_session_id: UUID, form: PeopleForm) -> str:
    lab_session = lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)
    return render_template(
        "lab_sessions/people.html",
        lab_session=lab_session,
        title=title_of(lab_session),
        form=form,
        listed=invitations.listed(db(), lab_session),
        following=len(invitations.following(db(), lab_session, now())),
    )


def back(lab_session_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("class_people.show", lab_session_id=lab_session_id), 303)


@bp.get("")
@permission(Permission.TEACH)
def show(lab_session_id: UUID) -> ResponseReturnValue:
    return people_page(lab_session_id, PeopleForm(formdata=None))


@bp.post("")
@permission(Permission.TEACH)
def add(lab_session_id: UUID) -> ResponseReturnValue:
    """The links stand on this one answer and nowhere else."""
    lab_session = lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)
    form, settings = PeopleForm(), site().settings
    if not form.validate_on_submit():
        return people_page(lab_session_id, form), 422
    try:
        links = invitations.add(
            db(),
            actor=actor(),
            lab_session_id=lab_session_id,
            people=form.persons,
            now=now(),
            base_url=settings.base_url,
            timezone=settings.timezone,
        )
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return people_page(lab_session_id, form), error.status
    db().commit()
    return links_page(links, [lab_session])


@bp.post("/copy")
@permission(Permission.TEACH)
def copy_on(lab_session_id: UUID) -> ResponseReturnValue:
    """The same people on the following dates; their links stand on this one answer."""
    settings = site().settings
    try:
        links = invitations.copy_on(
            db(),
            actor=actor(),
            lab_session_id=lab_session_id,
            now=now(),
            base_url=settings.base_url,
            timezone=settings.timezone,
        )
    except Invalid as error:
        db().rollback()
        flash(in_words(error), "warning")
        return back(lab_session_id)
    db().commit()
    return links_page(links, [link.lab_session for link in links])


@bp.post("/links")
@permission(Permission.TEACH)
def renew(lab_session_id: UUID) -> ResponseReturnValue:
    """New links for one person, or for all who have not come yet."""
    lab_session = lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)
    settings, one = site().settings, request.form.get("invitation", type=UUID)
    if one is None and "invitation" in request.form:
        raise NotFound(invitations.NO_SUCH_PERSON)
    links = invitations.renew(
        db(),
        actor=actor(),
        lab_session_id=lab_session_id,
        invitation_ids=[one] if one else None,
        now=now(),
        base_url=settings.base_url,
        timezone=settings.timezone,
    )
    db().commit()
    return links_page(links, [lab_session])


@bp.post("/<uuid:invitation_id>/revoke")
@permission(Permission.TEACH)
def revoke(lab_session_id: UUID, invitation_id: UUID) -> ResponseReturnValue:
    row = invitations.revoke(db(), actor=actor(), lab_session_id=lab_session_id, invitation_id=invitation_id, now=now())
    db().commit()
    flash(_("The link of %(name)s leads nowhere any more.", name=row.name), "success")
    return back(lab_session_id)


@bp.post("/only")
@permission(Permission.TEACH)
def set_only_listed(lab_session_id: UUID) -> ResponseReturnValue:
    only = request.form.get("only") == "yes"
    invitations.set_only_listed(db(), actor=actor(), lab_session_id=lab_session_id, only=only, now=now())
    db().commit()
    flash(_("Only people on the list come in now.") if only else _("The code opens the class again."), "success")
    return back(lab_session_id)
