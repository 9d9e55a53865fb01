"""People: who they are and what they may do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Set
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, InvalidOrder, NotAllowed, NotFound, PortalError
from portal.core.passwords import check_password
from portal.core.policy import HOUSE_ROLES, Actor, Grant, Permission, Role, roles_with
from portal.models import Account, Department, Membership, Vm
from portal.models.vms import is_living
from portal.services import login_sessions, tokens
from portal.services.audit import Subject, record
from portal.services.paging import Page, paginate
from portal.services.passwords import hash_password

LOGIN = re.compile(r"^[a-z][a-z0-9._-]{1,38}[a-z0-9]$")
EMAIL = re.compile(r"^[^@\s]{1,64}@[^@\s]{1,189}$")
LOCALES = ("es", "en")
MOST_COLLEAGUES = 200


def actor_of(account: Account) -> Actor:
    grants = tuple(Grant(membership.role, membership.department_id) for membership in account.memberships)
    return Actor(account_id=account.id, name=account.name, grants=grants, locale=account.locale)


def about(account: Account) -> Subject:
    return Subject("account", str(account.id), account.login)


def require_management(actor: Actor | None) -> None:
    """None is the command line on the server: whoever may run it has the database anyway."""
    if actor is not None and not actor.may(Permission.MANAGE_ACCOUNTS):
        raise NotAllowed(N_("You may not manage accounts."))


def create_account(
    db: Session,
    *,
    actor: Actor | None,
    login: str,
    name: str,
    email: str,
    password: str,
    grants: Iterable[Grant],
    now: datetime,
    locale: str = "es",
) -> Account:
    """Raises what is wrong; several things at once as InvalidOrder."""
    require_management(actor)
    grants = list(grants)
    wrong = faults_of_new(db, login=login, name=name, email=email, password=password, grants=grants, locale=locale)
    if wrong:
        raise wrong[0] if len(wrong) == 1 else InvalidOrder(tuple(wrong))
    account = Account(
        login=login, name=name, email=email, locale=locale, created_at=now, password_hash=hash_password(password)
    )
    db.add(account)
    put_grants(db, account, grants)
    details = {"grants": grants_in_words(db, account)}
    record(db, actor=actor, action="account.created", subject=about(account), now=now, details=details)
    return account


def faults_of_new(
    db: Session, *, login: str, name: str, email: str, password: str, grants: Iterable[Grant], locale: str
) -> list[PortalError]:
    """All that is wrong with an account that is to be made, each with its field."""
    checks: tuple[Callable[[], None], ...] = (
        lambda: check_login(db, login),
        lambda: check_name(name),
        lambda: check_email(email),
        lambda: check_locale(locale),
        lambda: check_password(password, login=login),
        lambda: check_grants(db, set(grants)),
    )
    wrong = []
    for check in checks:
        try:
            check()
        except PortalError as error:
            wrong.append(error)
    return wrong


def check_login(db: Session, login: str) -> None:
    if not LOGIN.fullmatch(login):
        raise Invalid(N_("A user name has 3 to 40 small letters, digits, dots and hyphens."), field="login")
    if db.scalar(select(Account.id).where(Account.login == login)):
        raise Conflict(N_("There is already an account “%(login)s”."), field="login", login=login)


def check_name(name: str) -> None:
    if not 1 <= len(name.strip()) <= 200:
        raise Invalid(N_("Please write the person's name."), field="name")


def check_email(email: str) -> None:
    if not EMAIL.fullmatch(email):
        raise Invalid(N_("This is not a mail address."), field="email")


def check_locale(locale: str) -> None:
    if locale not in LOCALES:
        raise Invalid(N_("This language is not there."), field="locale")


def check_grants(db: Session, wanted: Set[Grant]) -> None:
    """Separation of duties: nobody is administrator and auditor at once."""
    if {grant.role for grant in wanted} >= HOUSE_ROLES:
        raise Invalid(N_("Nobody can be administrator and auditor at once."), field="grants")
    for grant in wanted:
        if (grant.role in HOUSE_ROLES) != (grant.department_id is None):
            raise Invalid(N_("This role needs a department, or must not have one."), field="grants")
        if grant.department_id and db.get(Department, grant.department_id) is None:
            raise Invalid(N_("There is no such department."), field="grants")


def put_grants(db: Session, account: Account, grants: Iterable[Grant]) -> None:
    """Replace the account's roles."""
    wanted = set(grants)
    check_grants(db, wanted)
    account.memberships = [
        membership for membership in account.memberships if Grant(membership.role, membership.department_id) in wanted
    ]
    held = {Grant(membership.role, membership.department_id) for membership in account.memberships}
    for grant in sorted(wanted - held, key=str):
        account.memberships.append(Membership(role=grant.role, department_id=grant.department_id))
    db.flush()


def grants_in_words(db: Session, account: Account) -> list[str]:
    """The roles with their departments' short names, as they are written down."""
    slugs = {row.id: row.slug for row in db.execute(select(Department.id, Department.slug))}
    return sorted(
        f"{one.role}@{slugs[one.department_id]}" if one.department_id else str(one.role) for one in account.memberships
    )


def set_grants(
    db: Session, *, actor: Actor | None, account_id: UUID, grants: Iterable[Grant], now: datetime
) -> Account:
    require_management(actor)
    account = by_id(db, account_id)
    grants = set(grants)
    if Role.ADMIN not in {grant.role for grant in grants}:
        check_not_last_admin(db, account)
    before = grants_in_words(db, account)
    put_grants(db, account, grants)
    details = {"from": before, "to": grants_in_words(db, account)}
    record(db, actor=actor, action="account.roles", subject=about(account), now=now, details=details)
    return account


def set_active(db: Session, *, actor: Actor | None, account_id: UUID, active: bool, now: datetime) -> Account:
    """Shut an account out (its log-ins and tokens end at once) or let it in again."""
    require_management(actor)
    account = by_id(db, account_id)
    if actor and actor.account_id == account_id and not active:
        raise Conflict(N_("You cannot shut out yourself."))
    if not active:
        check_not_last_admin(db, account)
    account.active = active
    if not active:
        login_sessions.end_all_of(db, account_id)
        tokens.revoke_all_of(db, account_id, now)
    action = "account.activated" if active else "account.deactivated"
    record(db, actor=actor, action=action, subject=about(account), now=now)
    return account


def check_not_last_admin(db: Session, account: Account) -> None:
    """Without any administrator nobody could make one, except on the server itself."""
    if not account.active or Role.ADMIN not in {one.role for one in account.memberships}:
        return
    admins = select(Membership.account_id).where(Membership.role == Role.ADMIN)
    others = select(Account.id).where(Account.id.in_(admins), Account.active, Account.id != account.id)
    if db.scalar(others.limit(1)) is None:
        text = N_("This is the last administrator. Make somebody else administrator first.")
        raise Conflict(text, field="grants")


def by_login(db: Session, login: str) -> Account | None:
    return db.scalar(select(Account).where(Account.login == login.strip().lower()[:80]))


def by_id(db: Session, account_id: UUID) -> Account:
    account = db.get(Account, account_id)
    if account is None:
        raise NotFound(N_("There is no such account."))
    return account


def set_locale(db: Session, *, actor: Actor, locale: str) -> None:
    check_locale(locale)
    by_id(db, actor.account_id).locale = locale


def listing(db: Session, *, actor: Actor | None, text: str | None = None, page: int = 1) -> Page[Account]:
    require_management(actor)
    scope = []
    if text:
        like = f"%{text.strip()[:80]}%"
        scope = [or_(Account.login.ilike(like), Account.name.ilike(like))]
    return paginate(db, Account, scopes=[scope], order=Account.login, number=page, newest_first=False)


def colleagues(db: Session, *, actor: Actor, department_id: UUID) -> list[Account]:
    """Active people of a department, for handing over and sharing.

    Only for who may see the department, or owns a machine there: a student who was handed one can pass it on.
    """
    owns = select(Vm.id).where(Vm.owner_id == actor.account_id, Vm.department_id == department_id, is_living())
    if not actor.may(Permission.SEE_DEPARTMENT, department_id) and db.scalar(owns.limit(1)) is None:
        raise NotAllowed(N_("You may not see this department."))
    members = select(Membership.account_id).where(Membership.department_id == department_id)
    query = select(Account).where(Account.id.in_(members), Account.active, Account.id != actor.account_id)
    return list(db.scalars(query.order_by(Account.name).limit(MOST_COLLEAGUES)))


def approvers_of(db: Session, department_id: UUID, *, but: UUID | None = None, most: int = 20) -> list[Account]:
    """Who may decide for the department: its approvers, or the administrators when it has none."""
    local = select(Membership.account_id).where(
        Membership.role.in_([role for role in roles_with(Permission.APPROVE) if role not in HOUSE_ROLES]),
        Membership.department_id == department_id,
    )
    found = active_accounts(db, local, but, most)
    if found:
        return found
    return administrators(db, but=but, most=most)


def administrators(db: Session, *, but: UUID | None = None, most: int = 20) -> list[Account]:
    """Of the whole house."""
    house = select(Membership.account_id).where(Membership.role == Role.ADMIN, Membership.department_id.is_(None))
    return active_accounts(db, house, but, most)


def active_accounts(db: Session, members: Select[UUID], but: UUID | None, most: int) -> list[Account]:
    query = select(Account).where(Account.id.in_(members), Account.active)
    if but:
        query = query.where(Account.id != but)
    return list(db.scalars(query.order_by(Account.name).limit(most)))


def count(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(Account)) or 0
