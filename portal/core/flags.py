"""What deserves a second look before a request is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from portal.core.errors import N_
from portal.core.quota import Amount

LARGE = Amount(machines=10, vcpus=16, memory_mib=32 * 1024, disk_gib=400)
LONG_LEASE_DAYS = 180


@dataclass(frozen=True)
class Flag:
    """`label` and `detail` are msgids; `params` fill the detail after it is translated."""

    code: str
    label: str
    detail: str
    params: Mapping[str, object] = field(default_factory=dict)


def support_flag(end_of_support: date | None, *, ends_on: date | None, today: date) -> Flag | None:
    if end_of_support is None or end_of_support > (ends_on or today):
        return None
    day = {"day": end_of_support.isoformat()}
    if end_of_support <= today:
        detail = N_("This system gets no corrections since %(day)s. It stays apart from the other networks.")
        return Flag("end-of-support", N_("Out of support"), detail, day)
    return Flag("end-of-support", N_("Support ends"), N_("This system gets no corrections after %(day)s."), day)


def network_flag(network: str) -> Flag | None:
    if network == "isolated":
        return Flag("network", N_("Isolated network"), N_("The machine reaches only its own group of machines."))
    if network == "quarantine":
        return Flag("network", N_("Quarantine network"), N_("The machine reaches nothing and nothing reaches it."))
    return None


def size_flag(takes: Amount) -> Flag | None:
    if not takes.beyond(LARGE):
        return None
    detail = N_(
        "%(machines)s machines with %(vcpus)s processors, %(memory_gib)s GB of memory and %(disk_gib)s GB of disk."
    )
    params = {
        "machines": takes.machines,
        "vcpus": takes.vcpus,
        "memory_gib": round(takes.memory_mib / 1024, 1),
        "disk_gib": takes.disk_gib,
    }
    return Flag("large", N_("Large"), detail, params)


def lease_flag(*, starts_on: date | None, ends_on: date | None, today: date) -> Flag | None:
    days = (ends_on - (starts_on or today)).days if ends_on else 0
    if days <= LONG_LEASE_DAYS:
        return None
    return Flag("long-lease", N_("Long lease"), N_("It is wanted for %(days)s days."), {"days": days})


def flags_for(
    *,
    end_of_support: date | None,
    network: str,
    takes: Amount,
    starts_on: date | None,
    ends_on: date | None,
    today: date,
) -> tuple[Flag, ...]:
    """All flags of a request, the weightiest first."""
    found = (
        support_flag(end_of_support, ends_on=ends_on, today=today),
        network_flag(network),
        size_flag(takes),
        lease_flag(starts_on=starts_on, ends_on=ends_on, today=today),
    )
    return tuple(flag for flag in found if flag)
