"""Secrets already typed into a form that is shown once more: kept sealed in the log-in, and never sent back."""

from __future__ import annotations

from collections.abc import Iterator

from flask import session
from flask_babel import gettext as _
from wtforms import Field

from portal.core.errors import Invalid
from portal.core.parameters import check_value
from portal.core.templates import Parameter, TemplateSpec
from portal.services.sealing import seal_answers, unseal_answers
from portal.web.context import now, site
from portal.web.forms.parameters import PREFIX
from portal.web.forms.vm_requests import OrderForm

SHELF = "typed_secrets"
MOST_FORMS = 5  # of one person at the same time; the oldest is forgotten first


def take_back(form: OrderForm, spec: TemplateSpec) -> None:
    """A secret left empty is the one typed before."""
    sealed = session.get(SHELF, {}).get(name_of(form, spec))
    kept = unseal_answers(site().settings.secret_key, sealed, now=now()) if sealed else {}
    for parameter, field in secret_fields(form, spec):
        if not field.data and parameter.name in kept:
            field.data = kept[parameter.name]


def keep(form: OrderForm, spec: TemplateSpec) -> None:
    """Keep what was typed rightly, for an hour at most, and say so beside the field."""
    kept = {}
    for parameter, field in secret_fields(form, spec):
        if field.data and is_right(parameter, field.data):
            kept[parameter.name] = field.data
            known = _("Already typed: leave it empty to keep it.")
            field.description = f"{field.description} {known}".strip()
            field.render_kw = {**(field.render_kw or {}), "required": False}
    forget(form, spec)
    if kept:
        sealed = seal_answers(site().settings.secret_key, kept, now=now())
        others = list(session.get(SHELF, {}).items())[-(MOST_FORMS - 1) :]
        session[SHELF] = {**dict(others), name_of(form, spec): sealed}


def forget(form: OrderForm, spec: TemplateSpec) -> None:
    shelf = session.get(SHELF, {})
    name = name_of(form, spec)
    if name in shelf:
        session[SHELF] = {other: sealed for other, sealed in shelf.items() if other != name}


def name_of(form: OrderForm, spec: TemplateSpec) -> str:
    return f"{spec.slug} {(form.form_key.data or '')[:64]}"


def secret_fields(form: OrderForm, spec: TemplateSpec) -> Iterator[tuple[Parameter, Field]]:
    return ((each, form[PREFIX + each.name]) for each in spec.parameters if each.is_secret)


def is_right(parameter: Parameter, typed: str) -> bool:
    try:
        check_value(parameter, typed)
    except Invalid:
        return False
    return True
