"""The department network's address service: one dhcp_server.py on this machine, bound to our bridge alone."""

from __future__ import annotations

import json
import signal
import subprocess

from portal.minicluster import dhcp_server, host_init, processes
from portal.minicluster.plan import ClusterPlan


def start(plan: ClusterPlan) -> None:
    """Running already is fine."""
    if processes.running_pid(plan.dhcp_pid_file) is not None:
        return
    folder = plan.dhcp_pid_file.parent
    folder.mkdir(exist_ok=True)
    config = {
        "interface": plan.department_bridge,
        "network": str(plan.department_network.network_address),
        "netmask": str(plan.department_network.netmask),
        "gateway": plan.department_gateway,
        "reservations": str(plan.cabinet / "dhcp"),
        "leases": str(folder / "leases"),
        "pid_file": str(plan.dhcp_pid_file),
        "log": str(folder / "dnsmasq.log"),
    }
    (folder / "config.json").write_text(json.dumps(config) + "\n")
    with (folder / "server.log").open("ab") as log:
        subprocess.run(
            ["/usr/bin/python3", "-I", dhcp_server.__file__, str(folder / "config.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=host_init.ENVIRONMENT,
            start_new_session=True,
            check=True,
            timeout=20,
        )


def stop(plan: ClusterPlan) -> None:
    processes.kill(plan.dhcp_pid_file, signal.SIGTERM)
    (plan.dhcp_pid_file.parent / "leases").unlink(missing_ok=True)
