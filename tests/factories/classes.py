"""Labs, classes, seats and students, as rows: a class of one small lab that goes on now, unless it is said."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.labs import (
    Check,
    CheckBy,
    LabAddress,
    LabMachine,
    LabNetwork,
    LabSpec,
    LabStep,
    Level,
    Solution,
    lab_to_data,
)
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.naming import seat_id_for, seat_machine_id_for, seat_machine_name
from portal.core.policy import Actor, Role
from portal.core.templates import Words
from portal.models import Account, Lab, LabSession, LabVersion, Seat, SeatMachine, Student
from portal.services.accounts import actor_of
from tests.factories.accounts import make_account, make_department
from tests.factories.cluster import make_template, make_template_version
from tests.factories.moments import NOW

numbers = count(1)
GUIDE = Words(
    es="""Este laboratorio es breve.

## Mirar {#look}

Mire a su alrededor.

```type server
ls /srv
```

```copy
10.9.0.10
```

[Abrir el puesto](console:client)

```hint
Escriba `ls`.
```

```hint
Cree el archivo con `touch /tmp/done`.
```

## Tocar {#touch}

Toque algo y avise.

## Terminar {#done}

Ha terminado.
""",
    en="""A short lab.

## Look {#look}

Look around.

```type server
ls /srv
```

```copy
10.9.0.10
```

[Open the workstation](console:client)

```hint
Type `ls`.
```

```hint
Make the file with `touch /tmp/done`.
```

## Touch {#touch}

Touch something and say so.

## Finish {#done}

You are through.
""",
)


def agent_check(message: str = "There is no file yet.") -> Check:
    return Check(CheckBy.AGENT, Words(message, message), machine="server", script="test -e /tmp/done\n")


def make_lab_spec(slug: str = "first-steps", **changes: Any) -> LabSpec:
    """Two machines, three steps: one checked by the agent, one by the teacher, one not at all."""
    ordinary: dict[str, Any] = {
        "slug": slug,
        "title": Words("Primeros pasos", "First steps"),
        "summary": Words("Un servidor por dentro", "A server from the inside"),
        "subject": "linux",
        "level": Level.BEGINNER,
        "minutes": 60,
        "owner": "farmacia",
        "offered_to": None,
        "networks": (LabNetwork("ward", "10.9.0.0/24"),),
        "machines": (
            lab_machine("server", Words("Servidor", "Server"), "10.9.0.10"),
            lab_machine("client", Words("Puesto", "Workstation"), "10.9.0.11"),
        ),
        "doors": (),
        "steps": (
            LabStep("look", Words("Mirar", "Look"), (agent_check(),), (Solution("server", "touch /tmp/done\n"),)),
            LabStep("touch", Words("Tocar", "Touch"), (Check(CheckBy.TEACHER, Words("Espere.", "Wait.")),)),
            LabStep("done", Words("Terminar", "Finish"), ()),
        ),
        "guide": GUIDE,
    }
    return LabSpec(**{**ordinary, **changes})


def lab_machine(name: str, label: Words, address: str) -> LabMachine:
    return LabMachine(name, label, "dokuwiki", "small", (LabAddress("ward", address),))


def make_lab_version(db: Session, slug: str = "first-steps", **changes: Any) -> LabVersion:
    """A further version of the lab (made if it is not there yet); `changes` are of its specification."""
    lab = db.get(Lab, slug)
    if lab is None:
        lab = Lab(slug=slug, read_at=NOW)
        db.add(lab)
        db.flush()
    newest = db.scalar(select(func.max(LabVersion.version)).where(LabVersion.lab_slug == slug)) or 0
    spec = lab_to_data(make_lab_spec(slug, **changes))
    version = LabVersion(
        lab_slug=slug,
        version=newest + 1,
        digest=sha256(repr(spec).encode()).hexdigest(),
        made_at=NOW,
        spec=spec,
    )
    db.add(version)
    db.flush()
    db.refresh(lab)
    return version


def make_lab_session(
    db: Session,
    *,
    teacher: Account | None = None,
    lab_version: LabVersion | None = None,
    department: str = "farmacia",
    **changes: Any,
) -> LabSession:
    """A class that began five minutes ago; `seats` and `state` by name. It has no seats yet: see make_seat."""
    lab_version = lab_version or make_lab_version(db)
    teacher = teacher or make_account(db, role=Role.TEACHER, department=department)
    ordinary = {
        "lab_slug": lab_version.lab_slug,
        "lab_version_id": lab_version.id,
        "teacher_id": teacher.id,
        "department_id": make_department(db, department).id,
        "made_at": NOW - timedelta(days=1),
        "starts_at": NOW - timedelta(minutes=5),
        "ends_at": NOW + timedelta(minutes=55),
        "seats": 2,
        "spares": 0,
        "seat_vcpus": 2,
        "seat_memory_mib": 2048,
        "seat_disk_gib": 20,
        "join_code": f"CODE{next(numbers):04d}",
        "state": LabSessionState.RUNNING,
    }
    lab_session = LabSession(**{**ordinary, **changes})
    db.add(lab_session)
    db.flush()
    db.refresh(lab_session)
    return lab_session


def make_student(
    db: Session, lab_session: LabSession, name: str = "María", *, key: str = "", **changes: Any
) -> Student:
    """Somebody who joined; `key` is what their browser's cookie holds."""
    ordinary = {
        "lab_session_id": lab_session.id,
        "name": name,
        "key_hash": sha256((key or uuid4().hex).encode()).hexdigest(),
        "joined_at": NOW,
        "seen_at": NOW,
        "locale": "en",
    }
    student = Student(**{**ordinary, **changes})
    db.add(student)
    db.flush()
    return student


def template_version_of(db: Session, slug: str) -> UUID:
    make_template(db, slug)
    return make_template_version(db, slug).id


def make_seat(
    db: Session, lab_session: LabSession, *, number: int = 1, student: Student | None = None, **changes: Any
) -> Seat:
    """A seat that is ready, or taken by the student, with a row for each machine of the lab."""
    seat_id = seat_id_for(lab_session.id, number)
    ordinary = {
        "id": seat_id,
        "lab_session_id": lab_session.id,
        "number": number,
        "made_at": NOW,
        "state": SeatState.TAKEN if student else SeatState.READY,
        "student_id": student.id if student else None,
        "ready_at": NOW,
    }
    seat = Seat(**{**ordinary, **changes})
    db.add(seat)
    db.flush()
    for position, machine in enumerate(lab_session.lab_version.spec["machines"]):
        name = machine["name"]
        db.add(
            SeatMachine(
                id=seat_machine_id_for(seat_id, name),
                seat_id=seat_id,
                position=position,
                name=name,
                domain_name=seat_machine_name(lab_session.id, number, name),
                template_version_id=template_version_of(db, machine["template"]),
                vcpus=1,
                memory_mib=1024,
                disk_gib=10,
            )
        )
    db.flush()
    db.refresh(seat)
    return seat


def teacher_of(lab_session: LabSession) -> Actor:
    """Whoever teaches this class, as the services know them."""
    return actor_of(lab_session.teacher)
