"""What the tests of the main road order: a wiki with one parameter of each kind, and the answers to its form."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.templates import Choice, Parameter, ParameterKind, Range, Size, Words
from portal.models import Account, VmRequest
from portal.services import claims
from portal.site import Site
from tests.factories.cluster import make_host, make_template
from tests.factories.machines import make_vm_request
from tests.web.conftest import NOW

PARAMETERS = (
    Parameter("title", ParameterKind.TEXT, Words("Título", "Title"), pattern="[A-Z].*", max_length=30),
    Parameter("password", ParameterKind.SECRET, Words("Contraseña", "Password"), min_length=8),
    Parameter(
        "language",
        ParameterKind.CHOICE,
        Words("Idioma", "Language"),
        default="es",
        choices=(Choice("es", Words("Español", "Spanish")), Choice("en", Words("Inglés", "English"))),
    ),
    Parameter("users", ParameterKind.NUMBER, Words("Personas", "People"), default=10, minimum=1, maximum=50),
    Parameter("public", ParameterKind.YES_NO, Words("Pública", "Public"), default=True),
)
SIZES = (
    Size("small", Words("hasta 30 personas", "up to 30 people"), *(Range(n, n, n) for n in (1, 1024, 10))),
    Size("large", Words("hasta 100 personas", "up to 100 people"), *(Range(n, n, n) for n in (2, 4096, 40))),
)


def stock(site: Site) -> None:
    """Two hosts and a wiki that can be ordered."""
    with site.write_sessions.begin() as db:
        make_host(db, "hv1"), make_host(db, "hv2", address="10.77.0.12")
        make_template(db, "dokuwiki", name=Words("Wiki sencilla", "Simple wiki"), parameters=PARAMETERS, sizes=SIZES)


def answers(**changes: Any) -> dict[str, Any]:
    good = {
        "form_key": "one-form",
        "purpose": "A wiki for the ward",
        "size": "small",
        "name": "ward-wiki",
        "copies": "1",
        "ends_on": "2026-06-30",
        "parameter_title": "Ward",
        "parameter_password": "romero-y-pino",
        "parameter_language": "es",
        "parameter_users": "12",
        "parameter_public": "y",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def request_of(site: Site, who: UUID, **changes: Any) -> VmRequest:
    """A submitted request with its capacity held."""
    with site.write_sessions.begin() as db:
        by = db.get_one(Account, who)
        ordinary = {"submitted_at": NOW, "ends_on": date(2026, 6, 30), "name": "ward-wiki"}
        wanted = {"size": "small", "copies": changes.get("copies", 1), "ends_on": "2026-06-30"}
        vm_request = make_vm_request(db, by=by, **{**ordinary, "wanted": wanted, **changes})
        claims.hold(db, vm_request, NOW)
        return vm_request


def only_request(db: Session) -> VmRequest:
    return db.scalars(select(VmRequest)).unique().one()
