"""How often somebody may try to log in; accounts are locked by the services besides.

Behind one address there may be a whole hospital, so the narrow limit counts an address together with a user name.
"""

from __future__ import annotations

from flask import Response, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

TRIES_OF_ADDRESS = "120 per minute"
TRIES_OF_NAME = "10 per minute"
WRONG_CODES = "10 per 10 minutes"  # only codes that open no class count: a whole class may sit behind one address
READS_OF_FEED = "30 per minute"  # of one calendar from one address; programs ask once an hour
limiter = Limiter(key_func=get_remote_address)


def address_and_name() -> str:
    return f"{get_remote_address()} {request.form.get('login', '').strip().lower()[:80]}"


def note_wrong_code() -> None:
    g.wrong_code = True


def was_wrong_code(_response: Response) -> bool:
    return bool(g.get("wrong_code"))
