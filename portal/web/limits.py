"""How often an address may try what is worth trying for an attacker; accounts are locked by the services besides."""

from __future__ import annotations

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

LOGIN_TRIES = "20 per minute; 100 per hour"
limiter = Limiter(key_func=get_remote_address)
