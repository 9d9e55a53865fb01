"""The shape of `template.yml`, field by field: what may stand there, and how the parts must fit together."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from portal.backends.template_mistakes import Mistake, all_or_a_list
from portal.core.errors import N_, Invalid
from portal.core.parameters import check_value
from portal.core.patterns import check_pattern
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

SLUG = r"^[a-z0-9][a-z0-9-]{0,58}$"
NAME = r"^[a-z][a-z0-9_]{0,30}$"
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
SHA256 = r"^[0-9a-f]{64}$"
CPU_MODEL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$"
ROLE = r"^template_[a-z0-9_]{1,50}$"
PATTERNS = {  # what they ask for, in words
    SLUG: N_("must be small letters, digits and hyphens, at most 59"),
    NAME: N_("must be small letters, digits and _, at most 31, with a letter first"),
    FILE_NAME: N_("must be the name of a file in this folder"),
    SHA256: N_("must be 64 digits of 0-9 and a-f, in quotes"),
    CPU_MODEL: N_("must be the name of a processor model"),
    ROLE: N_("must be the name of a role, which begins with template_"),
}
Slug = Annotated[str, StringConstraints(pattern=SLUG)]
Name = Annotated[str, StringConstraints(pattern=NAME)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
LongText = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
FileName = Annotated[str, StringConstraints(pattern=FILE_NAME)]
Sha256 = Annotated[str, StringConstraints(pattern=SHA256)]
Word = Annotated[str, StringConstraints(min_length=2, max_length=60, strip_whitespace=True)]
MAX_LENGTH = 1000  # of what is typed for a parameter: an RSA key fits
SIZE_LIMITS = {"vcpus": 64, "memory_mib": 1024 * 1024, "disk_gib": 16 * 1024}


def quick_pattern(pattern: str, *, longest: int = 200) -> None:
    try:
        check_pattern(pattern, longest=longest)
    except Invalid as problem:
        raise Mistake.out_of(problem, "pattern") from problem


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
    cpu_model: Annotated[str, StringConstraints(pattern=CPU_MODEL)] = "qemu64"

    @model_validator(mode="after")
    def ide_needs_the_old_machine(self) -> Self:
        if self.disk_bus == "ide" and self.machine == "q35":
            raise Mistake(N_("machine q35 has no IDE: use another bus, or machine pc"), at=("disk_bus",))
        return self


class RangePart(Part):
    default: int = Field(ge=1)
    min: int = Field(ge=1)
    max: int = Field(ge=1)

    @model_validator(mode="after")
    def default_lies_between(self) -> Self:
        if not self.min <= self.default <= self.max:
            raise Mistake(N_("min <= default <= max must hold"))
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
        for name, most in SIZE_LIMITS.items():
            if getattr(self, name).max > most:
                raise Mistake(N_("must be at most %(le)s"), at=(name, "max"), le=most)
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
    pattern_help: WordsPart | None = None
    min_length: int = Field(default=0, ge=0, le=MAX_LENGTH)
    max_length: int = Field(default=100, ge=1, le=MAX_LENGTH)
    choices: list[ChoicePart] = Field(default_factory=list, max_length=50)
    min: int | None = None
    max: int | None = None

    @field_validator("default", mode="before")
    @classmethod
    def default_is_plain(cls, default: object) -> object:
        if default is None or isinstance(default, (str, int)):
            return default
        raise Mistake(N_("must be text, a whole number, or true or false"))

    @model_validator(mode="after")
    def fields_fit_the_kind(self) -> Self:
        if (self.kind is ParameterKind.CHOICE) != bool(self.choices):
            raise Mistake(N_("choices belong to kind choice, and it needs them"))
        if self.pattern is not None and self.kind not in {ParameterKind.TEXT, ParameterKind.SECRET}:
            raise Mistake(N_("a pattern belongs to kind text or secret"), at=("pattern",))
        if (self.pattern is None) != (self.pattern_help is None):
            raise Mistake(N_("pattern and pattern_help, which says in words what it asks for, go together"))
        if (self.min is not None or self.max is not None) and self.kind is not ParameterKind.NUMBER:
            raise Mistake(N_("min and max belong to kind number"))
        if self.kind is ParameterKind.SECRET and self.default is not None:
            raise Mistake(N_("a secret has no default: it would be the same for everybody"), at=("default",))
        return self

    @model_validator(mode="after")
    def limits_leave_something(self) -> Self:
        if self.min_length > self.max_length:
            raise Mistake(N_("min_length is more than max_length: nothing could be typed"), at=("min_length",))
        if self.min is not None and self.max is not None and self.min > self.max:
            raise Mistake(N_("min is more than max: no number could be typed"), at=("min",))
        return self

    @model_validator(mode="after")
    def pattern_and_default_are_good(self) -> Self:
        if self.pattern is not None:
            quick_pattern(self.pattern, longest=max(self.max_length, 200))
        if self.default is not None:
            try:
                check_value(from_plain(Parameter, self.to_plain()), self.default)
            except Invalid as problem:
                raise Mistake.out_of(problem, "default") from problem
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
            raise Mistake(N_("port belongs to by: tcp, and it needs one"))
        if (self.by is ReadyBy.SERIAL) != (self.pattern is not None):
            raise Mistake(N_("pattern belongs to by: serial, and it needs one"))
        if self.pattern is not None:
            quick_pattern(self.pattern)
        return self


class BuildPart(Part):
    role: Annotated[str, StringConstraints(pattern=ROLE)]
    variables: dict[Name, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def variables_start_with_the_role(self) -> Self:
        strange = [name for name in self.variables if not name.startswith("template_")]
        if strange:
            raise Mistake(N_("variables start with the role's name: %(names)s"), names=", ".join(strange))
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
            raise Mistake(N_("say either build or brought"))
        return self


class TemplateFile(Part):
    """A whole `template.yml`."""

    name: WordsPart
    description: LongWordsPart
    picture: FileName
    category: Slug
    category_name: WordsPart | None = None
    owner: Slug
    may_order: list[Slug] | None = None  # in the file: all, or a list
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

    @field_validator("may_order", mode="before")
    @classmethod
    def all_or_some(cls, value: object) -> object:
        return all_or_a_list(value)

    @model_validator(mode="after")
    def names_are_unique(self) -> Self:
        for what, names in (
            ("sizes", [size.slug for size in self.sizes]),
            ("parameters", [parameter.name for parameter in self.parameters]),
        ):
            if len(set(names)) != len(names):
                raise Mistake(N_("each name only once"), at=(what,))
        return self

    @model_validator(mode="after")
    def parts_fit_together(self) -> Self:
        if self.ready.by is ReadyBy.TCP and self.network is not NetworkClass.DEPARTMENT:
            raise Mistake(
                N_("ready by tcp needs network department: the portal cannot reach the others"), at=("ready",)
            )
        if self.disk.build is not None and self.hardware.firmware == "uefi":
            raise Mistake(N_("a disk that is built here starts by BIOS, not uefi"), at=("hardware", "firmware"))
        if self.disk.build is not None and self.hardware.disk_bus == "sata":
            raise Mistake(
                N_("the kernel of a disk that is built here knows no sata: use virtio, scsi or ide"),
                at=("hardware", "disk_bus"),
            )
        if self.parameters and self.personalisation is Personalisation.NONE:
            raise Mistake(
                N_("parameters need a personalisation that carries them into the machine"), at=("personalisation",)
            )
        return self

    def to_spec(self, slug: str) -> TemplateSpec:
        plain = self.model_dump(mode="json", exclude={"sizes", "parameters", "may_order", "disk"})
        return from_plain(
            TemplateSpec,
            {
                **plain,
                "slug": slug,
                "may_order": self.may_order,
                "sizes": [size.to_plain() for size in self.sizes],
                "parameters": [parameter.to_plain() for parameter in self.parameters],
                "build": self.disk.build.model_dump() if self.disk.build else None,
                "brought": self.disk.brought.model_dump() if self.disk.brought else None,
            },
        )
