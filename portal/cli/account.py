"""`vivero account`: departments and people who may log in, made and changed on the server itself."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, astuple
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cli.work import one_clear_line, print_table, reading, utc_now, writing
from portal.config import read_settings
from portal.core.errors import N_, Invalid, NotFound
from portal.core.policy import Grant, Role
from portal.core.quota import Amount
from portal.interfaces import HostAddress
from portal.models import Account, Department
from portal.services import accounts, departments, log_ins, quotas, seeds
from portal.services.passwords import random_password
from portal.wiring import sync_catalogue

app = typer.Typer(help="Make and change departments and people, their roles and passwords.", no_args_is_help=True)

Roles = Annotated[
    list[str], typer.Option("--role", help="ROLE@DEPARTMENT, or admin or auditor alone. May be repeated.")
]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the standard input.")]


def account_of(db: Session, login: str) -> Account:
    account = db.scalar(select(Account).where(Account.login == login))
    if account is None:
        raise NotFound(N_("There is no such account."))
    return account


def grant_of(db: Session, text: str) -> Grant:
    """ROLE@DEPARTMENT as written on the command line."""
    role, _, slug = text.partition("@")
    if role not in set(Role):
        raise Invalid(N_("There is no role “%(role)s”; there are: %(roles)s."), role=role, roles=", ".join(Role))
    return Grant(Role(role), departments.by_slug(db, slug).id if slug else None)


def password_from(stdin: bool) -> str:
    """Never an argument: those are seen by everybody on the machine."""
    return sys.stdin.readline(1000).rstrip("\n") if stdin else random_password()


@app.command()
def create(
    login: str,
    name: Annotated[str, typer.Option(help="First name and surname.")],
    email: Annotated[str, typer.Option(help="Where mails go.")],
    role: Roles,
    language: Annotated[str, typer.Option(help="es or en.")] = "es",
    password_stdin: FromStdin = False,
) -> None:
    """Make an account and print its password, unless it came by the standard input."""
    password = password_from(password_stdin)
    with one_clear_line(), writing() as db:
        grants = [grant_of(db, text) for text in role]
        accounts.create_account(
            db,
            actor=None,
            login=login,
            name=name,
            email=email,
            password=password,
            grants=grants,
            now=utc_now(),
            locale=language,
        )
    typer.echo(f"{login} was made." if password_stdin else f"{login} was made with the password {password}")


@app.command()
def password(login: str, password_stdin: FromStdin = False) -> None:
    """Set a new password, unlock the account and end its log-ins and tokens."""
    new = password_from(password_stdin)
    with one_clear_line(), writing() as db:
        account = account_of(db, login)
        log_ins.set_password(db, actor=None, account_id=account.id, password=new, now=utc_now())
    typer.echo("The password was changed." if password_stdin else f"The new password is {new}")


@app.command()
def roles(login: str, role: Roles) -> None:
    """Replace the roles of an account."""
    with one_clear_line(), writing() as db:
        grants = [grant_of(db, text) for text in role]
        account = accounts.set_grants(db, actor=None, account_id=account_of(db, login).id, grants=grants, now=utc_now())
        typer.echo(f"{login}: " + ", ".join(sorted(one.role for one in account.memberships)))


@app.command()
def active(login: str, off: Annotated[bool, typer.Option("--off", help="Shut the account out.")] = False) -> None:
    """Let an account in again, or with --off shut it out at once."""
    with one_clear_line(), writing() as db:
        account = account_of(db, login)
        accounts.set_active(db, actor=None, account_id=account.id, active=not off, now=utc_now())
    typer.echo(f"{login} may {'no longer ' if off else ''}log in.")


@app.command(name="list")
def list_accounts(text: Annotated[str, typer.Argument(help="Part of the name.")] = "") -> None:
    """List accounts with their roles."""
    with one_clear_line(), reading() as db:
        page = accounts.listing(db, actor=None, text=text)
        rows = [(one.login, one.name, roles_of(one), "" if one.active else "shut out") for one in page.items]
        print_table(("login", "name", "roles", ""), rows)
        if page.pages > 1:
            typer.echo(f"… and more: {page.total} in all. Give a part of the name.")


def roles_of(account: Account) -> str:
    return ", ".join(
        f"{one.role}@{one.department.slug}" if one.department else str(one.role) for one in account.memberships
    )


Count = Annotated[int | None, typer.Option(min=0)]


@app.command()
def department(
    slug: Annotated[str, typer.Argument(help="Its short name, as in ROLE@DEPARTMENT.")],
    name: Annotated[str, typer.Option(help="Its name; a department that is not there yet needs one.")] = "",
    machines: Count = None,
    processors: Count = None,
    memory_gb: Count = None,
    disk_gb: Count = None,
) -> None:
    """Make a department, or change its name and what it may take."""
    given = (machines, processors, None if memory_gb is None else memory_gb * 1024, disk_gb)
    with one_clear_line(), writing() as db:
        known = db.scalar(select(Department).where(Department.slug == slug))
        limit = Amount(*(new if new is not None else old for new, old in zip(given, limits_of(known), strict=True)))
        if known is None:
            made = departments.create_department(db, actor=None, slug=slug, name=name, limit=limit, now=utc_now())
        else:
            made = departments.rename(db, actor=None, department_id=known.id, name=name or known.name, now=utc_now())
            quotas.set_quota(db, actor=None, department_id=known.id, limit=limit, now=utc_now())
        typer.echo(f"{made.name} ({slug}) may take {limit_words(limit)}.")


def limits_of(known: Department | None) -> tuple[int, ...]:
    return astuple(quotas.limit_of(known) if known else quotas.FIRST_LIMIT)


def limit_words(limit: Amount) -> str:
    memory_gib = f"{limit.memory_mib / 1024:g}"
    return (
        f"{limit.machines} machines, {limit.vcpus} processors, {memory_gib} GB of memory, {limit.disk_gib} GB of disk"
    )


@app.command(name="departments")
def list_departments() -> None:
    """List the departments with what each may take and has taken."""
    with one_clear_line(), reading() as db:
        known = departments.listing(db)
        found = quotas.quotas_of(db, known)
        rows = [
            (one.slug, one.name, limit_words(found[one.id].limit), limit_words(found[one.id].used)) for one in known
        ]
        print_table(("department", "name", "may take", "has taken"), rows)


@app.command(name="seed-demo", hidden=True)
def seed_demo(
    hosts: Annotated[str, typer.Option(help="The hosts as JSON: [{name, address, port, user}].")] = "[]",
) -> None:
    """Fill an empty database with the demonstration's hospital and print its accounts as JSON."""
    with one_clear_line():
        settings = read_settings()
        known_hosts = [HostAddress(**host) for host in json.loads(hosts)]
        with writing(settings) as db:
            made = seeds.seed_demo(db, known_hosts=known_hosts, now=utc_now())
            sync_catalogue(settings, db, now=utc_now())
    typer.echo(json.dumps({key: asdict(credentials) for key, credentials in made.items()}))
