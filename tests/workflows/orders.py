"""Makes a hospital with three hosts, a template and approved requests, directly in the tables."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from portal.core.lifecycle import VmRequestState
from portal.core.templates import (
    Build,
    CloneKind,
    HardwareProfile,
    NetworkClass,
    OperatingSystem,
    Personalisation,
    Range,
    Ready,
    ReadyBy,
    Size,
    TaskWords,
    TemplateSpec,
    Words,
    spec_to_data,
)
from portal.models import Account, Department, Host, Template, TemplateVersion, VmRequest

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def make_spec(*, ready: Ready | None = None, network: NetworkClass = NetworkClass.DEPARTMENT) -> TemplateSpec:
    words = Words("Pequeña", "Small")
    return TemplateSpec(
        slug="micro-linux",
        name=words,
        description=words,
        category="test",
        owner="informatica",
        may_order=None,
        tasks=TaskWords(),
        picture="",
        system=OperatingSystem("Linux", date(2030, 1, 1)),
        hardware=HardwareProfile(),
        sizes=(Size("small", words, Range(1, 1, 2), Range(128, 128, 256), Range(1, 1, 4)),),
        parameters=(),
        personalisation=Personalisation.CLOUD_INIT,
        ready=ready or Ready(ReadyBy.SERIAL, timeout_s=30, pattern="^vivero ready "),
        network=network,
        clone=CloneKind.LINKED,
        build=Build("template_micro_linux"),
    )


def make_hospital(db: Session, *, spec: TemplateSpec | None = None, hosts: int = 3) -> None:
    """One department, Ada who asks, the template with its disk, and hosts with 8 GiB each."""
    spec = spec or make_spec()
    db.add(Department(slug="farmacia", name="Farmacia"))
    db.add(Account(login="ada", name="Ada", email="ada@hospital.test", password_hash="", created_at=NOON, locale="en"))
    for number in range(1, hosts + 1):
        db.add(
            Host(
                name=f"hv{number}",
                address=f"10.77.0.{10 + number}",
                vcpus=4,
                memory_mib=8192,
                disk_gib=500,
                seen_at=NOON,
            )
        )
    db.add(Template(slug=spec.slug, spec=spec_to_data(spec), read_at=NOON))
    db.flush()
    db.add(
        TemplateVersion(
            template_slug=spec.slug,
            version=1,
            disk=f"templates/{spec.slug}/v1.qcow2",
            sha256="0" * 64,
            size_bytes=1,
            built_at=NOON,
            spec=spec_to_data(spec),
        )
    )
    db.flush()


def make_vm_request(
    db: Session,
    *,
    name: str = "moodle",
    copies: int = 1,
    state: VmRequestState = VmRequestState.APPROVED,
    memory_mib: int = 128,
    spec: TemplateSpec | None = None,
) -> VmRequest:
    ada = db.query(Account).filter_by(login="ada").one()
    farmacia = db.query(Department).filter_by(slug="farmacia").one()
    vm_request = VmRequest(
        id=uuid4(),
        department_id=farmacia.id,
        submitted_by_id=ada.id,
        submitted_at=NOON,
        template_slug="micro-linux",
        size="small",
        name=name,
        copies=copies,
        vcpus=1,
        memory_mib=memory_mib,
        disk_gib=1,
        purpose="a course",
        ends_on=date(2026, 6, 30),
        state=state,
        spec=spec_to_data(spec) if spec else None,
    )
    db.add(vm_request)
    db.flush()
    return vm_request
