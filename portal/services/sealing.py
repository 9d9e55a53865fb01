"""Secrets of template parameters, sealed until the machine is made: only who has the portal's key can read them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.core.errors import N_, Conflict

ANSWERS = b"vivero answers of an unfinished form"
ANSWERS_LAST_S = 3600


def box(secret_key: str, purpose: bytes = b"vivero template parameters") -> Fernet:
    """A key of its own for each purpose, drawn from the portal's one key."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def seal(secret_key: str, values: Mapping[str, Any]) -> str:
    return box(secret_key).encrypt(json.dumps(dict(values)).encode()).decode()


def unseal(secret_key: str, sealed: str | None) -> dict[str, Any]:
    """What was sealed; nothing for nothing. Raises Conflict when the portal's key is not the one of then."""
    if sealed is None:
        return {}
    try:
        values: dict[str, Any] = json.loads(box(secret_key).decrypt(sealed.encode()))
    except InvalidToken as error:
        raise Conflict(N_("The secret answers of this request can no longer be read. Please order again.")) from error
    return values


def seal_answers(secret_key: str, values: Mapping[str, Any], *, now: datetime) -> str:
    """For the form that is being filled in: readable for an hour, and with no other key than the portal's."""
    return box(secret_key, ANSWERS).encrypt_at_time(json.dumps(dict(values)).encode(), int(now.timestamp())).decode()


def unseal_answers(secret_key: str, sealed: str, *, now: datetime) -> dict[str, Any]:
    """Nothing, once they are too old or the key is another: then they are typed again."""
    try:
        opened = box(secret_key, ANSWERS).decrypt_at_time(sealed.encode(), ANSWERS_LAST_S, int(now.timestamp()))
    except InvalidToken:
        return {}
    values: dict[str, Any] = json.loads(opened)
    return values
