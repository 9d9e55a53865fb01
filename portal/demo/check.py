"""`bin/demo --check`: one order through the API, from the form's fields to an answering machine and back."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from portal.demo.api import Api, ApiTrouble, wait_for

Say = Callable[[str], None]


def check_road(url: str, accounts: Mapping[str, Mapping[str, str]], *, say: Say, probe: bool) -> None:
    """Order, approve as another person, wait, reach the machine (if `probe`), retire. Raises ApiTrouble."""
    requester, approver = (Api(url, accounts[role]["token"]) for role in ("requester", "approver"))
    vm_request = requester.call("POST", "/vm-requests", order_of(requester))
    path = f"/vm-requests/{vm_request['id']}"
    say("ordered as requester")
    try:
        requester.call("POST", f"{path}/approve", {})
    except ApiTrouble as refused:
        say(f"own approval refused, as it must be ({str(refused).split(': ', 1)[1][:3]})")
    else:
        raise ApiTrouble("the requester could approve their own request")
    approver.call("POST", f"{path}/approve", {"comment": "demo --check"})
    say("approved as approver")
    vm = follow(requester, path, say)
    if probe:
        reach(vm["address"], say)
    requester.call("DELETE", f"/vms/{vm['id']}")
    wait_for(
        lambda: requester.call("GET", f"/vms/{vm['id']}")["state"] == "retired",
        seconds=120,
        what="retiring the machine",
    )
    say("retired: machine, disk, address and claim are gone")


def order_of(requester: Api) -> dict[str, Any]:
    templates = requester.call("GET", "/templates")
    micro = next((one for one in templates if one["slug"] == "micro-linux"), None)
    if micro is None or not micro["orderable"]:
        raise ApiTrouble("the template micro-linux is not orderable")
    sizes = [size["slug"] if isinstance(size, dict) else size for size in micro["sizes"]]
    return {
        "template": "micro-linux",
        "size": sizes[0],
        "name": "comprobacion",
        "copies": 1,
        "purpose": "bin/demo --check",
        "ends_on": (date.today() + timedelta(days=7)).isoformat(),  # noqa: DTZ011 - the person's own day
    }


def follow(requester: Api, path: str, say: Say) -> dict[str, Any]:
    """Wait until the request is fulfilled and give back its machine."""
    seen = ""

    def fulfilled() -> bool:
        nonlocal seen
        now = requester.call("GET", path)
        step = now["progress"]["step"]
        if step and step != seen:
            say(f"  {step}")
            seen = step
        if now["state"] == "failed":
            raise ApiTrouble(f"the request failed: {now.get('error')}")
        return bool(now["state"] == "fulfilled")

    wait_for(fulfilled, seconds=300, what="the machine")
    vm: dict[str, Any] = requester.call("GET", path)["vms"][0]
    say(f"{vm['name']} is {vm['state']} on {vm['host']} with address {vm['address']}")
    return vm


def reach(address: str, say: Say, port: int = 80) -> None:
    def answers() -> bool:
        try:
            with socket.create_connection((address, port), timeout=2) as connection:
                connection.settimeout(5)
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return connection.recv(5) == b"HTTP/"
        except OSError:
            return False

    wait_for(answers, seconds=60, what=f"an answer from {address}:{port}")
    say(f"{address} answers over HTTP")
