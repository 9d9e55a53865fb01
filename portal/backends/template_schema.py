"""The shape of `template.yml`, field by field: what may stand there, and how the parts must fit together."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from portal.core.errors import Invalid
from portal.core.parameters import check_value
from portal.core.patterns import pattern_trouble
from portal.core.plain_data import from_plain
from portal.core.templates import (
    CloneKind,
    NetworkClass,
    Parameter,
    ParameterKind,
    Personalisation,
    ReadyBy,
    TemplateSpec,
)

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,58}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
LongText = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, StringConstraints(min_length=2, max_length=60, strip_whitespace=True)]


class Part(BaseModel):
    # strict: a number in quotes is a mistake that is better told than guessed at
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class WordsPart(Part):
    es: ShortText
    en: ShortText


class LongWordsPart(Part):
    es: LongText
    en: LongText


class TaskWordsPart(Part):
    es: list[Word] = Field(default_factory=list, max_length=30)
    en: list[Word] = Field(default_factory=list, max_length=30)


class SystemPart(Part):
    name: ShortText
    # dates arrive as text such as 2028-06-30
    support_ends: Annotated[date, Field(strict=False)]


class HardwarePart(Part):
    machine: Literal["pc", "q35"] = "pc"
    firmware: Literal["bios", "uefi"] = "bios"
    disk_bus: Literal["virtio", "scsi", "sata", "ide"] = "virtio"
    nic_model: Literal["virtio", "e1000", "rtl8139"] = "virtio"
    clock: Literal["utc", "localtime"] = "utc"
    video: Literal["vga", "virtio", "cirrus", "qxl"] = "vga"
    cpu_model: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$")] = "qemu64"

    @model_validator(mode="after")
    def ide_needs_the_old_machine(self) -> Self:
        if self.disk_bus == "ide" and self.machine == "q35":
            raise ValueError("machine q35 has no IDE: use sata, or machine pc")
        return self


class RangePart(Part):
    default: int = Field(ge=1)
    min: int = Field(ge=1)
    max: int = Field(ge=1)

    @model_validator(mode="after")
    def default_lies_between(self) -> Self:
        if not self.min <= self.default <= self.max:
            raise ValueError("min <= default <= max must hold")
        return self

    def to_plain(self) -> dict[str, int]:
        return {"default": self.default, "minimum": self.min, "maximum": self.max}


class SizePart(Part):
    slug: Slug
    label: WordsPart
    vcpus: RangePart
    memory_mib: RangePart
    disk_gib: RangePart

    @model_validator(mode="after")
    def limits_are_sane(self) -> Self:
        if self.vcpus.max > 64 or self.memory_mib.max > 1024 * 1024 or self.disk_gib.max > 16 * 1024:
            raise ValueError("at most 64 vcpus, 1048576 MiB memory and 16384 GiB disk")
        return self

    def to_plain(self) -> dict[str, Any]:
        ranges = {name: getattr(self, name).to_plain() for name in ("vcpus", "memory_mib", "disk_gib")}
        return {"slug": self.slug, "label": self.label.model_dump(), **ranges}


class ChoicePart(Part):
    value: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    label: WordsPart


class ParameterPart(Part):
    name: Name
    kind: Annotated[ParameterKind, Field(strict=False)]
    label: WordsPart
    help: LongWordsPart | None = None
    required: bool = True
    default: str | int | bool | None = None
    pattern: str | None = None
    min_length: int = Field(default=0, ge=0, le=200)
    max_length: int = Field(default=100, ge=1, le=200)
    choices: list[ChoicePart] = Field(default_factory=list, max_length=50)
    min: int | None = None
    max: int | None = None

    @field_validator("pattern")
    @classmethod
    def pattern_is_quick(cls, pattern: str | None) -> str | None:
        trouble = pattern_trouble(pattern) if pattern is not None else None
        if trouble:
            raise ValueError(trouble)
        return pattern

    @model_validator(mode="after")
    def fields_fit_the_kind(self) -> Self:
        if (self.kind is ParameterKind.CHOICE) != bool(self.choices):
            raise ValueError("choices belong to kind choice, and it needs them")
        if self.pattern is not None and self.kind not in {ParameterKind.TEXT, ParameterKind.SECRET}:
            raise ValueError("a pattern belongs to kind text or secret")
        if (self.min is not None or self.max is not None) and self.kind is not ParameterKind.NUMBER:
            raise ValueError("min and max belong to kind number")
        if self.kind is ParameterKind.SECRET and self.default is not None:
            raise ValueError("a secret has no default: it would be the same for everybody")
        if self.default is not None:
            try:
                check_value(from_plain(Parameter, self.to_plain()), self.default)
            except Invalid as problem:
                raise ValueError(f"the default would be refused: {problem}") from problem
        return self

    def to_plain(self) -> dict[str, Any]:
        plain = self.model_dump(exclude={"min", "max"}, mode="json")
        return {**plain, "minimum": self.min, "maximum": self.max}


class ReadyPart(Part):
    by: Annotated[ReadyBy, Field(strict=False)]
    timeout_s: int = Field(ge=5, le=7200)
    port: int | None = Field(default=None, ge=1, le=65535)
    pattern: str | None = None

    @model_validator(mode="after")
    def says_what_to_look_for(self) -> Self:
        if (self.by is ReadyBy.TCP) != (self.port is not None):
            raise ValueError("port belongs to by: tcp, and it needs one")
        if (self.by is ReadyBy.SERIAL) != (self.pattern is not None):
            raise ValueError("pattern belongs to by: serial, and it needs one")
        trouble = pattern_trouble(self.pattern) if self.pattern is not None else None
        if trouble:
            raise ValueError(trouble)
        return self


class BuildPart(Part):
    role: Annotated[str, StringConstraints(pattern=r"^template_[a-z0-9_]{1,50}$")]
    variables: dict[Name, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def variables_start_with_the_role(self) -> Self:
        strange = [name for name in self.variables if not name.startswith("template_")]
        if strange:
            raise ValueError(f"variables start with the role's name: {', '.join(strange)}")
        return self


class BroughtPart(Part):
    # empty until the hospital has brought its disk: listed, explained, not orderable
    sha256: Sha256 | None = None


class DiskPart(Part):
    build: BuildPart | None = None
    brought: BroughtPart | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        if (self.build is None) == (self.brought is None):
            raise ValueError("say either build or brought")
        return self


class TemplateFile(Part):
    """A whole `template.yml`."""

    name: WordsPart
    description: LongWordsPart
    picture: FileName
    category: Slug
    owner: Slug
    may_order: Literal["all"] | list[Slug] = "all"
    tasks: TaskWordsPart = Field(default_factory=TaskWordsPart)
    system: SystemPart
    hardware: HardwarePart = Field(default_factory=HardwarePart)
    sizes: list[SizePart] = Field(min_length=1, max_length=10)
    parameters: list[ParameterPart] = Field(default_factory=list, max_length=30)
    personalisation: Annotated[Personalisation, Field(strict=False)]
    ready: ReadyPart
    licence_seats: int | None = Field(default=None, ge=0, le=100_000)
    network: Annotated[NetworkClass, Field(strict=False)] = NetworkClass.DEPARTMENT
    clone: Annotated[CloneKind, Field(strict=False)] = CloneKind.LINKED
    disk: DiskPart

    @model_validator(mode="after")
    def names_are_unique(self) -> Self:
        for what, names in (
            ("sizes", [size.slug for size in self.sizes]),
            ("parameters", [parameter.name for parameter in self.parameters]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{what}: each name only once")
        return self

    @model_validator(mode="after")
    def parts_fit_together(self) -> Self:
        if self.ready.by is ReadyBy.TCP and self.network is not NetworkClass.DEPARTMENT:
            raise ValueError("ready by tcp needs network department: the portal cannot reach the others")
        if self.parameters and self.personalisation is Personalisation.NONE:
            raise ValueError("parameters need a personalisation that carries them into the machine")
        return self

    def to_spec(self, slug: str) -> TemplateSpec:
        plain = self.model_dump(mode="json", exclude={"sizes", "parameters", "may_order", "disk"})
        return from_plain(
            TemplateSpec,
            {
                **plain,
                "slug": slug,
                "may_order": None if self.may_order == "all" else list(self.may_order),
                "sizes": [size.to_plain() for size in self.sizes],
                "parameters": [parameter.to_plain() for parameter in self.parameters],
                "build": self.disk.build.model_dump() if self.disk.build else None,
                "brought": self.disk.brought.model_dump() if self.disk.brought else None,
            },
        )
