"""A department's draft becomes a version, or is thrown away."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.differences import difference
from portal.core.errors import PortalError
from portal.core.lab_files import in_order
from portal.core.policy import Permission
from portal.services import lab_releases
from portal.services.lab_drafts import Draft
from portal.web.context import actor, db, now, permission, site
from portal.web.forms.lab_drafts import DraftForm, PublishForm
from portal.web.lab_drafts import draft_of, page, refused

bp = Blueprint("lab_releases", __name__, url_prefix="/labs")


@bp.get("/<slug>/edit/discard")
@permission(Permission.TEACH)
def ask_discard(slug: str) -> ResponseReturnValue:
    draft = draft_of(slug)
    newest = draft.lab.newest
    text = _("The whole copy goes away, for it has never been published.")
    if newest is not None:
        text = _("All that was written since version %(version)s is lost.", version=newest.version)
    return render_template(
        "components/confirm.html",
        title=_("Throw the draft away?"),
        text=text,
        words=_("Throw the draft away"),
        danger=True,
        action=url_for("lab_releases.discard", slug=slug),
        fields={"revision": draft.revision},
        back=url_for("lab_drafts.edit", slug=slug),
    )


@bp.post("/<slug>/edit/discard")
@permission(Permission.TEACH)
def discard(slug: str) -> ResponseReturnValue:
    stays = lab_releases.discard(db(), actor=actor(), slug=slug, revision=DraftForm().seen, now=now())
    db().commit()
    if stays:
        flash(_("The draft says what is published again."), "success")
        return redirect(url_for("labs.show", slug=slug), 303)
    flash(_("The copy is gone."), "success")
    return redirect(url_for("labs.index"), 303)


@bp.route("/<slug>/publish", methods=["GET", "POST"])
@permission(Permission.TEACH)
def publish(slug: str) -> ResponseReturnValue:
    """What differs from the newest version, what is wrong, and one line about what is new."""
    form = PublishForm()
    if not form.validate_on_submit():
        return publish_page(draft_of(slug), form), 422 if form.is_submitted() else 200
    try:
        version = lab_releases.publish(
            db(),
            actor=actor(),
            reader=site().lab_reader,
            slug=slug,
            news=form.news.data or "",
            revision=form.seen,
            now=now(),
        )
    except PortalError as error:
        return refused(error, slug, form, lambda draft, **more: publish_page(draft, form, **more))
    db().commit()
    flash(_("Version %(version)s is published. Your department teaches it from now on.", version=version.version), "success")  # fmt: skip  # noqa: E501
    return redirect(url_for("labs.show", slug=slug), 303)


def publish_page(draft: Draft, form: PublishForm, *, faster: str = "") -> str:
    before = draft.released
    if draft.lab.newest is not None:
        form.news.flags.required = True
    names = [] if before is None else in_order({**before, **draft.files})
    changed = {
        name: difference(before.get(name, ""), draft.files.get(name, ""))
        for name in names
        if before is not None and before.get(name) != draft.files.get(name)
    }
    return page("lab_releases/publish", draft, form, changed=changed, faster=faster)
