"""dokuwiki, built beside the running portal, ordered, and its start page read over HTTP from the clone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from portal.config import ROOT
from portal.demo.api import Api
from portal.minicluster import read_inventory
from tests.browser.conftest import RunningDemo
from tests.browser.test_road import left_behind, retired
from tests.guest_pages import read_page

pytestmark = [pytest.mark.minicluster, pytest.mark.root, pytest.mark.slow]

TITLE = "La wiki de Farmacia"


def build_dokuwiki(demo: RunningDemo) -> None:
    inventory = read_inventory(demo.var / "minicluster" / "inventory.json")
    environ = {**os.environ, "VIVERO_VAR": str(demo.var / "demo"), "VIVERO_CABINET": str(inventory.cabinet)}
    command = [sys.executable, "-m", "portal.cli", "template", "build", "dokuwiki", "--if-changed"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def order_dokuwiki(demo: RunningDemo, requester: Api) -> str:
    wiki = next(one for one in requester.call("GET", "/templates") if one["slug"] == "dokuwiki")
    assert wiki["orderable"], wiki
    order = {
        "template": "dokuwiki",
        "size": wiki["sizes"][0]["slug"],
        "name": "wiki-farmacia",
        "copies": 1,
        "purpose": "Protocolos de la farmacia",
        "ends_on": (datetime.now(UTC).date() + timedelta(days=20)).isoformat(),
        "parameters": {"title": TITLE, "admin_password": "una clave larga", "open_reading": True},
    }
    request_id: str = requester.call("POST", "/vm-requests", order)["id"]
    Api(demo.url, demo.accounts["approver"]["token"]).call("POST", f"/vm-requests/{request_id}/approve", {})
    return request_id


def machine_of(requester: Api, request_id: str) -> dict[str, str]:
    deadline = time.monotonic() + 900
    while (seen := requester.call("GET", f"/vm-requests/{request_id}"))["state"] != "fulfilled":
        assert seen["state"] in ("approved", "provisioning"), seen
        assert time.monotonic() < deadline, seen
        time.sleep(1)
    vm: dict[str, str] = seen["vms"][0]
    return vm


def test_dokuwiki_is_built_ordered_and_read_over_http(demo: RunningDemo) -> None:
    requester = Api(demo.url, demo.accounts["requester"]["token"])
    build_dokuwiki(demo)
    vm = machine_of(requester, order_dokuwiki(demo, requester))
    assert f"[{TITLE}]</title>" in read_page(vm["address"])
    requester.call("DELETE", f"/vms/{vm['id']}")
    retired(requester, vm["id"])
    assert left_behind(demo) == []
