"""Every action that is written into the audit log can be read in words."""

from __future__ import annotations

import re

from portal.config import ROOT
from portal.services.power import PowerAction
from portal.web.audit_words import ACTIONS

ACTION = re.compile(r'"((?:account|console|department|host|login|quota|template|token|vm|vm_request)\.[a-z_]+)"')
NOT_ACTIONS = {"template.yml"}


def test_every_action_of_the_services_has_words() -> None:
    sources = [*(ROOT / "portal/services").glob("*.py"), *(ROOT / "portal/workflows").glob("*.py")]
    written = {action for path in sources for action in ACTION.findall(path.read_text())}
    written |= {f"vm.{action}" for action in PowerAction}
    assert written - NOT_ACTIONS - set(ACTIONS) == set()
