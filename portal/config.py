"""Settings: read once from VIVERO_* variables (and var/vivero.env) by the entry points, then handed on."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import mkstemp
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SHORTEST_KEY = 32
MOST_KEEP_DAYS = 28  # less than workflows/seat_images.py keeps an image that nobody uses
YES = frozenset({"1", "true", "yes"})
LOCALES = ("es", "en")
NO = frozenset({"", "0", "false", "no"})
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
ROOT = Path(__file__).resolve().parent.parent


class BadSetting(ValueError):
    """A variable that says what cannot be; the message names it and what it may be."""


@dataclass(frozen=True)
class Settings:
    """All settings. Paths are absolute; `secret_key` never appears in a repr."""

    var: Path
    database_url: str
    engine_database_url: str
    secret_key: str = field(repr=False)
    base_url: str = "http://127.0.0.1:8080"
    doors_domain: str = ""  # doors of seats are at seat-….<this>; empty: localhost if base_url is of this machine
    timezone: str = "Europe/Madrid"
    locale: str = "es"
    hypervisor: str = "libvirt"  # or "fake"
    playbooks: str = "ansible"  # or "fake"
    mailer: str = "page"  # "page" keeps mails for the administrator's page; "smtp" sends them
    smtp_url: str = field(default="", repr=False)  # smtp[s]://user:password@host:port?starttls=1
    mail_from: str = "vivero@localhost"
    ssh_key: Path = Path("/etc/vivero/ssh/id_ed25519")
    ssh_known_hosts: Path = Path("/etc/vivero/ssh/known_hosts")
    storage_dir: str = "/srv/vivero"  # on the hosts: the shared cabinet
    cabinet: Path = Path("/srv/vivero")  # the same folder as this machine sees it, where templates are built
    department_network: str = "10.77.16.0/20"  # where department machines get their addresses
    department_gateway: str = "10.77.16.1"
    templates_dir: Path = ROOT / "templates_vm"
    labs_dir: Path = ROOT / "labs"
    playbooks_dir: Path = ROOT / "playbooks"
    reserve_hosts: int = 1
    class_approval_seats: int = 30  # a class with more waits for an approver; 0: none does
    # as much as two hosts of 12 GB hold; thirty seats of any shipped lab, with their spares, take 17
    class_approval_memory_gib: int = 24
    idle_minutes: int = 15
    absolute_hours: int = 8
    keep_days: int = 7  # for which a student's seat is kept after the class, as the teacher's form proposes
    keep_days_most: int = 14
    simulator: bool = False

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https:")

    def cookie(self, name: str) -> str:
        """The full name of a cookie of ours. Browsers take the prefix from this very origin only (RFC 6265bis, 4.1.3).

        So a guest behind a door of the same parent domain cannot plant one. Plain HTTP has no such protection.
        """
        return f"__Host-{name}" if self.is_https else name

    @property
    def doors_at(self) -> str:
        """The domain of which each door has a name of its own; "" where doors cannot be opened.

        Browsers find every name under localhost on their own machine, so the demo needs no setting.
        """
        return self.doors_domain or ("localhost" if is_loopback(urlsplit(self.base_url).hostname or "") else "")


def is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Build Settings from VIVERO_<NAME> variables; a missing secret key is made once and kept in var/, mode 0600."""
    var = Path(environ.get("VIVERO_VAR", ROOT / "var")).resolve()
    read = {**read_env_file(var / "vivero.env"), **environ}
    values: dict[str, object] = {}
    for name, kind in Settings.__annotations__.items():
        text = read.get(f"VIVERO_{name.upper()}")
        if text is not None and name != "var":
            values[name] = convert(f"VIVERO_{name.upper()}", text.strip(), kind)
    values.setdefault("database_url", f"sqlite:///{var}/vivero.db")
    # the engine's tables must be in the same database: approving and queueing are one transaction
    values.setdefault("engine_database_url", values["database_url"])
    values.setdefault("secret_key", keep_secret_key(var / "secret_key"))
    settings = Settings(var=var, **values)  # type: ignore[arg-type]
    check(settings)
    return settings


def convert(name: str, text: str, kind: str) -> object:
    if kind == "int":
        if not text.isascii() or not text.isdigit():
            raise BadSetting(f"{name} is “{text}”, but must be a whole number, 0 or more.")
        return int(text)
    if kind == "bool":
        if text.lower() not in YES | NO:
            raise BadSetting(f"{name} is “{text}”, but must be yes or no.")
        return text.lower() in YES
    return Path(text).resolve() if kind == "Path" else text


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines; the file is ours, so there is no quoting."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def keep_secret_key(path: Path) -> str:
    """The key of this installation. Whole or not there: two processes that start at once get the same one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = mkstemp(dir=path.parent, prefix=".secret_key.")  # mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    return path.read_text().strip()


def check(settings: Settings) -> None:
    """Raise BadSetting now rather than in the middle of somebody's work."""
    if len(settings.secret_key) < SHORTEST_KEY:
        raise BadSetting(
            f"VIVERO_SECRET_KEY, or {settings.var}/secret_key, must have at least {SHORTEST_KEY} characters."
        )
    if settings.locale not in LOCALES:
        raise BadSetting(f"VIVERO_LOCALE is “{settings.locale}”, but must be one of: {', '.join(LOCALES)}.")
    if not settings.base_url.startswith(("http://", "https://")):
        raise BadSetting(f"VIVERO_BASE_URL is “{settings.base_url}”, but must begin with http:// or https://.")
    check_doors(settings)
    if not 1 <= settings.keep_days <= settings.keep_days_most <= MOST_KEEP_DAYS:
        raise BadSetting(
            "VIVERO_KEEP_DAYS must be at least 1 and not more than VIVERO_KEEP_DAYS_MOST, "
            f"which may be {MOST_KEEP_DAYS}: saved seats, on whose disks kept ones stand, are tidied away later."
        )
    try:
        ZoneInfo(settings.timezone)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise BadSetting(f"VIVERO_TIMEZONE is “{settings.timezone}”, but must be one like Europe/Madrid.") from error
    try:
        ip_network(settings.department_network)
        ip_address(settings.department_gateway)
    except ValueError as error:
        raise BadSetting(
            f"VIVERO_DEPARTMENT_NETWORK and VIVERO_DEPARTMENT_GATEWAY must be addresses: {error}."
        ) from error


def check_doors(settings: Settings) -> None:
    domain, portal = settings.doors_domain, urlsplit(settings.base_url).hostname or ""
    if domain and not DOMAIN.fullmatch(domain):
        raise BadSetting(f"VIVERO_DOORS_DOMAIN is “{domain}”, but must be a name like puertas.hospital.example.")
    if domain and portal.endswith(f".{domain}"):
        raise BadSetting(
            f"VIVERO_DOORS_DOMAIN is “{domain}”, but the portal itself is {portal}: "
            "give doors a domain in which the portal is not."
        )
