"""A small lab: two machines in one network, a door, and two steps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.labs import (
    Check,
    CheckBy,
    LabAddress,
    LabDoor,
    LabMachine,
    LabNetwork,
    LabSpec,
    LabStep,
    Level,
    Solution,
    lab_from_data,
)
from portal.core.templates import Words
from portal.models import Lab, LabVersion, Template
from portal.services import labs
from tests.factories.cluster import make_template, size
from tests.factories.moments import NOW

GUIDE = """Welcome.

## Look around {#look}

```type desk
hostname
```

```hint
Try **hostname**.
```

## Write {#write}

[the page](door:page)
"""


def lab_machine(name: str, last: int, **changes: Any) -> LabMachine:
    words = Words(es=f"La máquina {name}", en=f"The machine {name}")
    ordinary = {"template": "micro-linux", "size": "tiny", "addresses": (LabAddress("lan", f"10.20.0.{last}"),)}
    return LabMachine(name=name, label=words, **{**ordinary, **changes})


def lab_step(slug: str) -> LabStep:
    message = Words(es="Todavía no.", en="Not yet.")
    check = Check(CheckBy.AGENT, message, machine="desk", script="test -e /tmp/done\n")
    title = Words(es=f"Paso {slug}", en=f"Step {slug}")
    return LabStep(slug, title, (check,), (Solution("desk", "touch /tmp/done\n"),))


def lab_spec(slug: str = "wiki-page", **changes: Any) -> LabSpec:
    """What a lab's folder says; changes by name."""
    ordinary = LabSpec(
        slug=slug,
        title=Words(es="Una página", en="A page"),
        summary=Words(es="Escribir y mirar.", en="Write and look."),
        subject="linux",
        level=Level.BEGINNER,
        minutes=45,
        owner="informatica",
        offered_to=None,
        networks=(LabNetwork("lan", "10.20.0.0/24"),),
        machines=(lab_machine("desk", 10), lab_machine("server", 11)),
        doors=(LabDoor("page", Words(es="La página", en="The page"), "server", 80),),
        steps=(lab_step("look"), lab_step("write")),
        guide=Words(es=GUIDE.replace("Welcome", "Hola"), en=GUIDE),
    )
    return LabSpec(**{**vars(ordinary), **changes})


def make_lab(db: Session, slug: str = "wiki-page", **changes: Any) -> LabVersion:
    """A lab with one version, as reading its folder leaves it; without the template of its machines."""
    labs.sync(db, found=[*known_specs(db, but=slug), lab_spec(slug, **changes)], now=NOW)
    version = db.get_one(Lab, slug).newest
    assert version is not None
    return version


def known_specs(db: Session, *, but: str) -> list[LabSpec]:
    """What is there already must be found again, else it would be gone."""
    rows = [row for row in db.scalars(select(Lab).where(Lab.slug != but)) if row.published is None]
    return [lab_from_data(row.newest.spec) for row in rows if row.newest is not None]


def make_micro_linux(db: Session) -> Template:
    """The template of a lab's machines, with a disk."""
    return make_template(db, "micro-linux", sizes=(size("tiny", 1, 128, 1), size("small", 1, 256, 2)))
