"""Runs on a host by SSH, with the host's own Python: as fast as libvirt makes machines with nothing around it."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import libvirt


def make(connection: Any, name: str, order: dict[str, Any]) -> None:
    disk = f"{order['folder']}/{name}.qcow2"
    overlay = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", order["template"], disk]
    subprocess.run(overlay, check=True)
    xml = order["definition"].replace("{{ name }}", name).replace("{{ disk }}", disk)
    domain = connection.defineXML(xml)
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED if order["together"] else 0)


def let_run(connection: Any) -> None:
    for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED):
        domain.resume()


def remove(connection: Any, prefix: str, folder: Path) -> int:
    """Take away every machine of the bench, whoever made it."""
    removed = 0
    for domain in connection.listAllDomains():
        if domain.name().startswith(prefix):
            if domain.isActive():
                domain.destroy()
            domain.undefine()
            removed += 1
    for path in folder.glob(f"{prefix}*"):
        path.unlink(missing_ok=True)
    return removed


def marked(folder: Path, prefix: str, marker: str) -> int:
    """How many machines have printed that they serve."""
    return sum(marker in log.read_text(errors="replace") for log in folder.glob(f"{prefix}*.log"))


def main(order: dict[str, Any]) -> None:
    folder = Path(order["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    connection = libvirt.open("qemu:///system")
    if order["action"] == "remove":
        done = remove(connection, order["prefix"], folder)
    elif order["action"] == "count":
        done = marked(folder, order["prefix"], order["marker"])
    else:
        with ThreadPoolExecutor(order["threads"]) as threads:
            done = len(list(threads.map(lambda name: make(connection, name, order), order["machines"])))
    if order.get("together"):
        let_run(connection)
    running = [domain.name() for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING)]
    connection.close()
    sys.stdout.write(json.dumps({"done": done, "running": running}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
