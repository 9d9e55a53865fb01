"""The one exception to "services never commit": nobody waits for the database while we wait for a host."""

from __future__ import annotations

from sqlalchemy.orm import Session


def let_go(db: Session) -> None:
    """End the transaction before something outside is asked, so that a silent host holds no lock.

    What was done before is kept; what follows happens in a new transaction, which the caller commits.
    """
    db.commit()
