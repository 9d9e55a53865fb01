"""The department network's address service: one dhcp_server.py on this machine, bound to our bridge alone."""

from __future__ import annotations

import json
import signal
from typing import IO

from portal.core.errors import N_, OutsideUnavailable
from portal.minicluster import dhcp_server, processes
from portal.minicluster.plan import ClusterPlan


def start(plan: ClusterPlan, *, lock: IO[str]) -> None:
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
    log = folder / "server.log"
    if processes.run_starter(dhcp_server.__file__, folder / "config.json", log=log, lock=lock) != 0:
        raise OutsideUnavailable(N_("The minicluster's address service did not start; see %(log)s."), log=str(log))


def stop(plan: ClusterPlan) -> None:
    processes.kill(plan.dhcp_pid_file, signal.SIGTERM)
    (plan.dhcp_pid_file.parent / "leases").unlink(missing_ok=True)
