"""A department writes its own lab: what it is about, its machines, its files, a guide's preview beside it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.differences import difference
from portal.core.errors import N_, Invalid, NotFound, PortalError
from portal.core.lab_files import GUIDES, MAIN_FILES, in_order, language_of, most_bytes, text_of
from portal.core.policy import Permission
from portal.services import department_labs, lab_drafts
from portal.services.lab_drafts import Draft, DraftChanged
from portal.web.context import actor, db, now, permission, site
from portal.web.forms.lab_drafts import (
    AboutForm,
    DraftForm,
    MachinesForm,
    ScriptForm,
    TextForm,
    machines_form,
)
from portal.web.guides import preview_of
from portal.web.labs import LEVEL_NAMES
from portal.web.languages import current_language, in_words

bp = Blueprint("lab_drafts", __name__, url_prefix="/labs")


def draft_of(slug: str) -> Draft:
    return lab_drafts.look(db(), actor=actor(), reader=site().lab_reader, slug=slug)


def page(place: str, draft: Draft, /, form: DraftForm | None = None, **words: Any) -> str:
    """One of the editor's pages. What is typed is about the draft that was seen, until its writer hears of another."""
    if form is not None and (words.get("faster") or not form.is_submitted()):
        form.about(draft.revision)
    called = draft.spec.title if draft.spec else department_labs.title_of(draft.published)
    title = called.read(current_language())
    return render_template(
        f"{place}.html", draft=draft, slug=draft.lab.slug, form=form, title=title, guides=GUIDES, **words
    )


@bp.get("/<slug>/edit")
@permission(Permission.TEACH)
def edit(slug: str) -> ResponseReturnValue:
    return redirect(url_for("lab_drafts.file", slug=slug, name=GUIDES[current_language()]), 303)


@bp.route("/<slug>/edit/files/<path:name>", methods=["GET", "POST"])
@permission(Permission.TEACH)
def file(slug: str, name: str) -> ResponseReturnValue:
    """One file; a guide with its preview. "Preview" without JavaScript shows it and keeps nothing."""
    form = TextForm()
    if request.method == "GET":
        draft = draft_of(slug)
        form.text.data = text_of(draft.files, name)
        return file_page(draft, name, form)
    if not form.validate():
        return file_page(draft_of(slug), name, form), 422
    text = form.text.data or ""
    try:
        if "preview" in request.form:
            seen = lab_drafts.preview(
                db(), actor=actor(), reader=site().lab_reader, slug=slug, name=name, text=text
            )  # fmt: skip
            return file_page(seen, name, form)
        lab_drafts.save_text(db(), actor=actor(), slug=slug, name=name, text=text, revision=form.seen, now=now())
    except PortalError as error:
        return refused(error, slug, form, lambda draft, **more: file_page(draft, name, form, **more))
    return saved(url_for("lab_drafts.file", slug=slug, name=name))


def file_page(draft: Draft, name: str, form: TextForm, *, faster: str = "") -> str:
    text, language = form.text.data or "", language_of(name)
    kept = text_of(draft.files, name)
    guide = None
    if language is not None and len(text.encode(errors="replace")) <= most_bytes(name):
        guide = preview_of(text, language)
    return page(
        "lab_drafts/file",
        draft,
        form,
        name=name,
        guide=guide,
        guide_language=language,
        most_bytes=most_bytes(name),
        faster=faster,
        changes=difference(kept, text.replace("\r\n", "\n")) if faster else (),
        removable=name not in MAIN_FILES,
    )


def saved(address: str) -> ResponseReturnValue:
    db().commit()
    flash(_("The draft is saved."), "success")
    return redirect(address, 303)


def refused(error: PortalError, slug: str, form: DraftForm, show: Any) -> ResponseReturnValue:
    """What was typed stays. Who was slower sees it, and what has been saved meanwhile, before saving again."""
    db().rollback()
    if isinstance(error, NotFound):
        raise error
    faster = in_words(error) if isinstance(error, DraftChanged) else ""
    if not faster:
        form.add_problem(error.field, in_words(error))
    return show(draft_of(slug), faster=faster), error.status


@bp.post("/<slug>/edit/preview/<path:name>")
@permission(Permission.TEACH)
def preview(slug: str, name: str) -> ResponseReturnValue:
    """The guide as it would be with what is typed now, for htmx. Nothing is kept."""
    text, language = request.form.get("text", ""), language_of(name)
    if language is None:
        raise NotFound(N_("This file has no preview."))
    draft, trouble, guide = None, "", None
    try:
        draft = lab_drafts.preview(db(), actor=actor(), reader=site().lab_reader, slug=slug, name=name, text=text)
    except Invalid as error:
        trouble = in_words(error)
    db().rollback()  # nobody waits for the writing lock while the guide is made
    if draft is not None:
        guide = preview_of(text, language)
    return render_template(
        "lab_drafts/_preview.html", slug=slug, draft=draft, name=name, guide=guide, guide_language=language,
        trouble=trouble,
    )  # fmt: skip


@bp.route("/<slug>/edit/about", methods=["GET", "POST"])
@permission(Permission.TEACH)
def about(slug: str) -> ResponseReturnValue:
    form = AboutForm().offer(LEVEL_NAMES)
    if request.method == "GET":
        draft = draft_of(slug)
        try:
            form.show(lab_drafts.outline(site().lab_reader, draft))
        except Invalid as error:
            return page("lab_drafts/about", draft, form, unreadable=in_words(error))
        return page("lab_drafts/about", draft, form)
    if not form.validate():
        return page("lab_drafts/about", draft_of(slug), form), 422
    return save_values(slug, form, "about")


@bp.route("/<slug>/edit/machines", methods=["GET", "POST"])
@permission(Permission.TEACH)
def machines(slug: str) -> ResponseReturnValue:
    draft = draft_of(slug)
    try:
        form = machines_form_of(draft)
    except Invalid as error:
        return page("lab_drafts/machines", draft, unreadable=in_words(error))
    if not form.validate_on_submit():
        return page("lab_drafts/machines", draft, form), 422 if form.is_submitted() else 200
    return save_values(slug, form, "machines")


def machines_form_of(draft: Draft) -> MachinesForm:
    outline = lab_drafts.outline(site().lab_reader, draft)
    return machines_form(outline.machines, lab_drafts.usable_templates(db(), draft.published), current_language())


def save_values(slug: str, form: AboutForm | MachinesForm, name: str) -> ResponseReturnValue:
    try:
        lab_drafts.save_values(
            db(),
            actor=actor(),
            reader=site().lab_reader,
            slug=slug,
            values=form.values(),
            revision=form.seen,
            now=now(),
        )
    except PortalError as error:
        return refused(error, slug, form, lambda draft, **more: values_page(draft, form, name, **more))
    return saved(url_for(f"lab_drafts.{name}", slug=slug))


def values_page(draft: Draft, form: AboutForm | MachinesForm, name: str, *, faster: str = "") -> str:
    """Machines may have come or gone meanwhile: the fields are those of the machines that there are now."""
    if faster and isinstance(form, MachinesForm):
        try:
            form = machines_form_of(draft)
        except Invalid as error:
            return page(f"lab_drafts/{name}", draft, unreadable=in_words(error))
    return page(f"lab_drafts/{name}", draft, form, faster=faster)


@bp.route("/<slug>/edit/files", methods=["GET", "POST"])
@permission(Permission.TEACH)
def files(slug: str) -> ResponseReturnValue:
    """All files, and a new script."""
    form = ScriptForm()
    if not form.validate_on_submit():
        return files_page(draft_of(slug), form), 422 if form.is_submitted() else 200
    name = form.name.data or ""
    try:
        lab_drafts.add_script(db(), actor=actor(), slug=slug, name=name, revision=form.seen, now=now())
    except PortalError as error:
        return refused(error, slug, form, lambda draft, **more: files_page(draft, form, **more))
    return saved(url_for("lab_drafts.file", slug=slug, name=name))


def files_page(draft: Draft, form: ScriptForm, *, faster: str = "") -> str:
    return page("lab_drafts/files", draft, form, names=in_order(draft.files), faster=faster, main_files=MAIN_FILES)


@bp.get("/<slug>/edit/remove/<path:name>")
@permission(Permission.TEACH)
def ask_remove(slug: str, name: str) -> ResponseReturnValue:
    draft = draft_of(slug)
    text_of(draft.files, name)
    return render_template(
        "components/confirm.html",
        title=_("Remove this file?"),
        text=_("%(name)s is taken out of the draft. What is published stays as it is.", name=name),
        words=_("Remove the file"),
        danger=True,
        action=url_for("lab_drafts.remove", slug=slug, name=name),
        fields={"revision": draft.revision},
        back=url_for("lab_drafts.files", slug=slug),
    )


@bp.post("/<slug>/edit/remove/<path:name>")
@permission(Permission.TEACH)
def remove(slug: str, name: str) -> ResponseReturnValue:
    lab_drafts.remove_script(db(), actor=actor(), slug=slug, name=name, revision=DraftForm().seen, now=now())
    return saved(url_for("lab_drafts.files", slug=slug))
