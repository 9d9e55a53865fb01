"""Every action that is written into the audit log can be read in words."""

from __future__ import annotations

import re

from portal.config import ROOT
from portal.live import endings
from portal.services.power import PowerAction
from portal.web.audit_words import ACTIONS, CONSOLE_ENDINGS

ACTION = re.compile(r'"((?:account|console|department|host|login|quota|template|token|vm|vm_request)\.[a-z_]+)"')
NOT_ACTIONS = {"template.yml"}


def test_every_action_of_the_services_has_words() -> None:
    sources = [*(ROOT / "portal/services").glob("*.py"), *(ROOT / "portal/workflows").glob("*.py")]
    written = {action for path in sources for action in ACTION.findall(path.read_text())}
    written |= {f"vm.{action}" for action in PowerAction}
    assert written - NOT_ACTIONS - set(ACTIONS) == set()


def test_every_end_of_a_console_has_words() -> None:
    codes = {value.reason for value in vars(endings).values() if isinstance(value, endings.Ending)}
    assert codes == set(CONSOLE_ENDINGS)
