"""Departments, for administrators: who there is, and what each may take of the cluster."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import PortalError
from portal.core.policy import Permission
from portal.models import Department
from portal.services import departments, quotas
from portal.web.context import actor, db, now, permission
from portal.web.forms.departments import DepartmentForm, NewDepartmentForm
from portal.web.languages import in_words

bp = Blueprint("departments", __name__, url_prefix="/departments")


@bp.get("")
@permission(Permission.MANAGE_ACCOUNTS)
def index() -> ResponseReturnValue:
    known = quotas.departments(db(), actor=actor(), permission=Permission.MANAGE_ACCOUNTS)
    return render_template("departments/index.html", departments=known, quotas=quotas.quotas_of(db(), known))


@bp.get("/new")
@permission(Permission.MANAGE_ACCOUNTS)
def new() -> ResponseReturnValue:
    return render_template("departments/new.html", form=NewDepartmentForm().show(quotas.FIRST_LIMIT))


@bp.post("/new")
@permission(Permission.MANAGE_ACCOUNTS)
def create() -> ResponseReturnValue:
    form = NewDepartmentForm()
    if not form.validate_on_submit():
        return render_template("departments/new.html", form=form), 422
    slug, name = form.slug.data or "", form.name.data or ""
    try:
        made = departments.create_department(db(), actor=actor(), slug=slug, name=name, limit=form.limit, now=now())
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return render_template("departments/new.html", form=form), 422
    db().commit()
    flash(_("The department %(name)s is made.", name=made.name), "success")
    return redirect(url_for("departments.index"), 303)


def page(department: Department, form: DepartmentForm) -> str:
    quota = quotas.quota_of(db(), department)
    return render_template("departments/show.html", department=department, form=form, quota=quota)


@bp.get("/<uuid:department_id>")
@permission(Permission.MANAGE_ACCOUNTS)
def show(department_id: UUID) -> ResponseReturnValue:
    department = departments.by_id(db(), department_id)
    return page(department, DepartmentForm(name=department.name).show(quotas.limit_of(department)))


@bp.post("/<uuid:department_id>")
@permission(Permission.MANAGE_ACCOUNTS)
def save(department_id: UUID) -> ResponseReturnValue:
    form = DepartmentForm()
    if not form.validate_on_submit():
        return page(departments.by_id(db(), department_id), form), 422
    name = form.name.data or ""
    department = departments.rename(db(), actor=actor(), department_id=department_id, name=name, now=now())
    quotas.set_quota(db(), actor=actor(), department_id=department_id, limit=form.limit, now=now())
    db().commit()
    flash(_("The department %(name)s is changed.", name=department.name), "success")
    return redirect(url_for("departments.index"), 303)
