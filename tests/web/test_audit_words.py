"""Every action that is written into the audit log can be read in words."""

from __future__ import annotations

import re

from apiflask import APIFlask

from portal.config import ROOT
from portal.live import endings
from portal.services.power import PowerAction
from portal.web.audit_words import ACTIONS, CONSOLE_ENDINGS, details_words

ACTION = re.compile(r'"((?:account|console|department|host|login|quota|template|token|vm|vm_request)\.[a-z_]+)"')
NAMED = re.compile(r'action="([a-z_]+\.[a-z_]+)"')  # whatever its first word is
NOT_ACTIONS = {"template.yml"}


def test_every_action_of_the_services_has_words() -> None:
    sources = [*(ROOT / "portal/services").glob("*.py"), *(ROOT / "portal/workflows").glob("*.py")]
    texts = [path.read_text() for path in sources]
    written = {action for text in texts for pattern in (ACTION, NAMED) for action in pattern.findall(text)}
    written |= {f"vm.{action}" for action in PowerAction}
    assert written - NOT_ACTIONS - set(ACTIONS) == set()


def test_details_are_read_in_words(app: APIFlask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        said = details_words({"from": ["requester@farmacia"], "to": [], "tokens_ended": True, "wanted": {"copies": 2}})
    assert said == "before: requester@farmacia; after: –; tokens ended: yes; asked for: (copies: 2)"


def test_every_end_of_a_console_has_words() -> None:
    codes = {value.reason for value in vars(endings).values() if isinstance(value, endings.Ending)}
    assert codes == set(CONSOLE_ENDINGS)
