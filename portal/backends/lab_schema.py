"""The shape of `lab.yml`, field by field, and how its machines, addresses, doors and checks must fit together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from portal.backends.template_mistakes import Mistake, all_or_a_list
from portal.backends.template_schema import PATTERNS as TEMPLATE_PATTERNS
from portal.backends.template_schema import LongWordsPart, Name, Part, Slug, WordsPart, quick_pattern
from portal.core.errors import N_
from portal.core.labs import CheckBy, LabSpec, Level
from portal.core.plain_data import from_plain
from portal.core.templates import Words

HOST_NAME = r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$"
WEB_PATH = r"^/[!-~]{0,199}$"
CHECK_SCRIPT = r"^checks/[A-Za-z0-9][A-Za-z0-9_-]{0,59}\.sh$"
SOLUTION_SCRIPT = r"^solutions/[A-Za-z0-9][A-Za-z0-9_-]{0,59}\.sh$"
PATTERNS = {
    **TEMPLATE_PATTERNS,
    HOST_NAME: N_("must be small letters, digits and hyphens, at most 20, with a letter first"),
    WEB_PATH: N_("must be a path that begins with / and has no blanks"),
    CHECK_SCRIPT: N_("must be a file such as checks/name.sh"),
    SOLUTION_SCRIPT: N_("must be a file such as solutions/name.sh"),
}
HostName = Annotated[str, StringConstraints(pattern=HOST_NAME)]
WebPath = Annotated[str, StringConstraints(pattern=WEB_PATH)]
Port = Annotated[int, Field(ge=1, le=65535)]
MOST_PORTS = 20  # that doors and checks lead to
Scalar = Annotated[str, StringConstraints(max_length=1000)] | bool | int
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
NEEDS: Mapping[CheckBy, frozenset[str]] = {
    CheckBy.AGENT: frozenset({"machine", "script"}),
    CheckBy.TCP: frozenset({"machine", "port"}),
    CheckBy.HTTP: frozenset({"machine", "port"}),
    CheckBy.SERIAL: frozenset({"machine", "pattern"}),
    CheckBy.TEACHER: frozenset(),
}
MAY_HAVE: Mapping[CheckBy, frozenset[str]] = {
    **NEEDS,
    CheckBy.HTTP: frozenset({"machine", "port", "path", "status", "pattern"}),
}


def only_once(names: Iterable[str], *at: str | int) -> None:
    """Raise Mistake where a name is there twice."""
    seen = list(names)
    if len(set(seen)) != len(seen):
        raise Mistake(N_("each name only once"), at=at)


class NetworkPart(Part):
    name: HostName
    cidr: str

    @field_validator("cidr")
    @classmethod
    def is_a_small_private_network(cls, cidr: str) -> str:
        try:
            network = IPv4Network(cidr)
        except ValueError as problem:
            raise Mistake(N_("must be a network such as 10.20.0.0/24")) from problem
        if not 24 <= network.prefixlen <= 29 or not any(network.subnet_of(private) for private in PRIVATE):
            raise Mistake(N_("must be a private network (10., 172.16. to 172.31., 192.168.) from /24 to /29"))
        return str(network)


class AddressPart(Part):
    network: HostName
    address: str

    @field_validator("address")
    @classmethod
    def is_an_address(cls, address: str) -> str:
        try:
            return str(IPv4Address(address))
        except ValueError as problem:
            raise Mistake(N_("must be an address such as 10.20.0.10")) from problem


class MachinePart(Part):
    name: HostName
    label: WordsPart
    template: Slug
    size: Slug
    addresses: list[AddressPart] = Field(min_length=1, max_length=4)
    parameters: dict[Name, Scalar] = Field(default_factory=dict, max_length=30)

    @model_validator(mode="after")
    def one_card_a_network(self) -> Self:
        only_once((address.network for address in self.addresses), "addresses")
        return self


class DoorPart(Part):
    name: HostName
    label: WordsPart
    machine: HostName
    port: Port
    path: WebPath = "/"


class CheckPart(Part):
    by: Annotated[CheckBy, Field(strict=False)]
    message: LongWordsPart
    machine: HostName | None = None
    script: Annotated[str, StringConstraints(pattern=CHECK_SCRIPT)] | None = None
    port: Port | None = None
    path: WebPath | None = None
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    pattern: str | None = None
    timeout_s: int = Field(default=10, ge=1, le=30)
    tries: int = Field(default=2, ge=1, le=5)

    @model_validator(mode="after")
    def fields_fit_the_kind(self) -> Self:
        for name in ("machine", "script", "port", "path", "status", "pattern"):
            given = getattr(self, name) is not None
            if given and name not in MAY_HAVE[self.by]:
                raise Mistake(N_("%(name)s does not belong to by: %(by)s"), at=(name,), name=name, by=self.by.value)
            if not given and name in NEEDS[self.by]:
                raise Mistake(N_("by: %(by)s needs %(name)s"), name=name, by=self.by.value)
        if self.pattern is not None:
            quick_pattern(self.pattern)
        return self

    def to_plain(self, scripts: Mapping[str, str]) -> dict[str, Any]:
        given = {name: value for name, value in self.model_dump(mode="json").items() if value is not None}
        return {**given, "script": scripts[self.script]} if self.script else given


class SolutionPart(Part):
    machine: HostName
    script: Annotated[str, StringConstraints(pattern=SOLUTION_SCRIPT)]


class StepPart(Part):
    slug: Slug
    title: WordsPart
    checks: list[CheckPart] = Field(min_length=1, max_length=8)
    solutions: list[SolutionPart] = Field(default_factory=list, max_length=12)

    def to_plain(self, scripts: Mapping[str, str]) -> dict[str, Any]:
        return {
            "slug": self.slug,
            "title": self.title.model_dump(),
            "checks": [check.to_plain(scripts) for check in self.checks],
            "solutions": [{"machine": one.machine, "script": scripts[one.script]} for one in self.solutions],
        }


class LabFile(Part):
    """A whole `lab.yml`."""

    title: WordsPart
    summary: LongWordsPart
    subject: Slug
    level: Annotated[Level, Field(strict=False)]
    minutes: int = Field(ge=5, le=600)
    owner: Slug
    offered_to: list[Slug] | None = None  # in the file: all, or a list
    networks: list[NetworkPart] = Field(min_length=1, max_length=4)
    machines: list[MachinePart] = Field(min_length=1, max_length=6)
    doors: list[DoorPart] = Field(default_factory=list, max_length=8)
    steps: list[StepPart] = Field(min_length=1, max_length=20)

    @field_validator("offered_to", mode="before")
    @classmethod
    def all_or_some(cls, value: object) -> object:
        return all_or_a_list(value)

    @model_validator(mode="after")
    def names_are_unique(self) -> Self:
        only_once((network.name for network in self.networks), "networks")
        only_once((machine.name for machine in self.machines), "machines")
        only_once((door.name for door in self.doors), "doors")
        only_once((step.slug for step in self.steps), "steps")
        return self

    @model_validator(mode="after")
    def networks_lie_apart(self) -> Self:
        seen: list[IPv4Network] = []
        for index, part in enumerate(self.networks):
            network = IPv4Network(part.cidr)
            if any(network.overlaps(other) for other in seen):
                raise Mistake(N_("overlaps with another network of this lab"), at=("networks", index, "cidr"))
            seen.append(network)
        return self

    @model_validator(mode="after")
    def addresses_lie_in_their_networks(self) -> Self:
        networks = {part.name: IPv4Network(part.cidr) for part in self.networks}
        taken: set[str] = set()
        for index, machine in enumerate(self.machines):
            for number, part in enumerate(machine.addresses):
                at = ("machines", index, "addresses", number)
                if part.network not in networks:
                    raise Mistake(N_("there is no network “%(name)s”"), at=(*at, "network"), name=part.network)
                check_address(IPv4Address(part.address), networks[part.network], (*at, "address"))
                if part.address in taken:
                    raise Mistake(N_("another machine has this address"), at=(*at, "address"))
                taken.add(part.address)
        return self

    @model_validator(mode="after")
    def machines_that_are_named_exist(self) -> Self:
        known = {machine.name for machine in self.machines}
        for at, name in self.named_machines():
            if name not in known:
                raise Mistake(N_("there is no machine “%(name)s”"), at=(*at, "machine"), name=name)
        return self

    @model_validator(mode="after")
    def ports_are_few(self) -> Self:
        """A seat has a relay for each of them, and one more for each machine that is waited for."""
        ports = {(door.machine, door.port) for door in self.doors}
        ports |= {(check.machine or "", check.port) for step in self.steps for check in step.checks if check.port}
        if len(ports) > MOST_PORTS:
            raise Mistake(N_("doors and checks use more than %(most)s ports together"), at=("doors",), most=MOST_PORTS)
        return self

    def named_machines(self) -> Iterable[tuple[tuple[str | int, ...], str]]:
        for index, door in enumerate(self.doors):
            yield ("doors", index), door.machine
        for index, step in enumerate(self.steps):
            for number, check in enumerate(step.checks):
                if check.machine is not None:
                    yield ("steps", index, "checks", number), check.machine
            for number, solution in enumerate(step.solutions):
                yield ("steps", index, "solutions", number), solution.machine

    def script_files(self) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """Each file that is named, with the place that names it."""
        for index, step in enumerate(self.steps):
            for number, check in enumerate(step.checks):
                if check.script is not None:
                    yield ("steps", index, "checks", number, "script"), check.script
            for number, solution in enumerate(step.solutions):
                yield ("steps", index, "solutions", number, "script"), solution.script

    def to_spec(self, slug: str, *, scripts: Mapping[str, str], guide: Words) -> LabSpec:
        """`scripts`: the texts of all script_files, by name."""
        plain = self.model_dump(mode="json", exclude={"steps", "offered_to"})
        steps = [step.to_plain(scripts) for step in self.steps]
        words = {"es": guide.es, "en": guide.en}
        return from_plain(
            LabSpec, {**plain, "slug": slug, "offered_to": self.offered_to, "steps": steps, "guide": words}
        )


def check_address(address: IPv4Address, network: IPv4Network, at: tuple[str | int, ...]) -> None:
    if address not in network or address in {network[0], network[-1]}:
        raise Mistake(N_("must be an address of %(network)s"), at=at, network=str(network))
    if address == network[-2]:
        raise Mistake(N_("is the address of the seat itself: choose another one"), at=at)
