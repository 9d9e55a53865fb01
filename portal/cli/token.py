"""`vivero token`: API tokens of accounts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from portal.cli.account import account_of
from portal.cli.work import one_clear_line, print_table, reading, utc_now, writing
from portal.services import tokens

app = typer.Typer(help="Make, list and end tokens for the API.", no_args_is_help=True)


@app.command()
def issue(
    login: str,
    name: Annotated[str, typer.Option(help="What it is for.")],
    days: Annotated[int, typer.Option(help="How long it lasts; 90 at most.")] = 30,
) -> None:
    """Make a token for an account and print it. It is shown this once."""
    with one_clear_line(), writing() as db:
        _token, token_text = tokens.issue(
            db, actor=None, account=account_of(db, login), name=name, days=days, now=utc_now()
        )
    typer.echo(token_text)


@app.command(name="list")
def list_tokens(login: str) -> None:
    """List the living tokens of an account."""
    with one_clear_line(), reading() as db:
        living = tokens.living(db, account_of(db, login).id, utc_now())
        rows = [
            (str(token.id), token.name, f"{token.expires_at:%Y-%m-%d}", used(token.last_used_at)) for token in living
        ]
        print_table(("id", "name", "until", "last used"), rows)


def used(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"


@app.command()
def revoke(token_id: UUID) -> None:
    """End a token at once."""
    with one_clear_line(), writing() as db:
        tokens.revoke(db, actor=None, token_id=token_id, now=utc_now())
    typer.echo("The token was ended.")
