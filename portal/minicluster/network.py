"""The minicluster's bridges and cables on this machine; every interface carries the cluster's alias."""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import subprocess
from array import array
from pathlib import Path

from portal.core.errors import N_, Conflict, OutsideUnavailable
from portal.minicluster.plan import UNITS, ClusterPlan, HostPlan

SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM = 0x17
GUEST_BRIDGES = ("br-dept", "br-isolated", "br-quarantine")


def ip(lines: list[str], *, pid: int | None = None) -> None:
    """Give `ip` all lines in one call, in the network namespace of a host's first process or in our own."""
    command = ["ip", "-batch", "-"]
    if pid is not None:
        command = ["nsenter", f"--net=/proc/{pid}/ns/net", *command]
    done = subprocess.run(command, input="\n".join(lines) + "\n", text=True, capture_output=True, timeout=20)
    if done.returncode != 0:
        raise OutsideUnavailable(N_("The network could not be built: %(reason)s"), reason=done.stderr.strip())


def show(*arguments: str) -> list[dict[str, object]]:
    command = ["ip", "-json", *arguments]
    done = subprocess.run(command, text=True, capture_output=True, timeout=20, check=True)
    found: list[dict[str, object]] = json.loads(done.stdout or "[]")
    return found


def our_links(alias: str) -> list[str]:
    return [str(link["ifname"]) for link in show("link", "show") if link.get("ifalias") == alias]


def free_units() -> list[int]:
    """Units whose interface names and addresses nobody on this machine uses now."""
    names = {str(link["ifname"]).split("@")[0] for link in show("link", "show")}
    used = {str(route["dst"]) for route in show("route", "show", "table", "all")}
    free = [unit for unit in UNITS if not uses_unit(unit, names, used)]
    if not free:
        raise Conflict(N_("Too many miniclusters run on this machine: there are no addresses left."))
    return free


def uses_unit(unit: int, names: set[str], routes: set[str]) -> bool:
    ours = {f"10.77.{unit}.0/24", f"10.77.{16 * (unit + 1)}.0/20"}
    return bool(ours & routes) or any(name.startswith((f"vv{unit}-", f"vv{unit}h")) for name in names)


def mac(unit: int, kind: int, number: int) -> str:
    """Fixed, so that after a power cut nobody talks to an address of before (number 0 is the machine itself)."""
    return f"02:76:76:{unit:02x}:{kind:02x}:{number:02x}"


def build_bridges(plan: ClusterPlan) -> None:
    """Fails when a bridge of that name exists: two clusters that start together never share a unit."""
    management, department = plan.management_bridge, plan.department_bridge
    ip(
        [
            f"link add {management} address {mac(plan.unit, 0, 0)} type bridge",
            f"link set {management} alias '{plan.alias}'",
            f"address add {plan.management_network[1]}/24 dev {management}",
            f"link set {management} up",
            f"link add {department} address {mac(plan.unit, 1, 0)} type bridge",
            f"link set {department} alias '{plan.alias}'",
            f"link set {department} addrgenmode none",
            f"address add {plan.department_gateway}/20 dev {department}",
            f"link set {department} up",
        ]
    )
    compute_checksums(department)
    for bridge in (management, department):  # guests must find no way out, whatever the machine forwards for others
        Path(f"/proc/sys/net/ipv4/conf/{bridge}/forwarding").write_text("0")


def compute_checksums(interface: str) -> None:
    """Small DHCP clients drop the half-finished checksums that a virtual cable otherwise lets pass."""
    value = array("B", struct.pack("II", ETHTOOL_STXCSUM, 0))
    wish = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCETHTOOL, wish)


def connect_host(plan: ClusterPlan, host: HostPlan, pid: int) -> None:
    """Plug the host's two cables in: management (its address) and department (no address, only a bridge)."""
    remove(sorted(set(our_links(plan.alias)) & set(host.links)))
    management, department = host.links
    cables = [(management, "eth0", plan.management_bridge), (department, "eth1", plan.department_bridge)]
    for kind, (outside, inside, bridge) in enumerate(cables):
        inside_mac = mac(plan.unit, kind, host.number)
        ip(
            [
                f"link add {outside} type veth peer name {inside} address {inside_mac} netns {pid}",
                f"link set {outside} alias '{plan.alias}'",
                f"link set {outside} addrgenmode none",
                f"link set {outside} master {bridge} up",
            ]
        )
    ip(inside_lines(plan, host), pid=pid)


def inside_lines(plan: ClusterPlan, host: HostPlan) -> list[str]:
    """Bridges for guests have no address on the host, so no guest can talk to a host."""
    lines = [
        "link set lo up",
        "link set eth0 addrgenmode none",
        "link set eth0 up",
        f"address add {host.address}/24 dev eth0",
    ]
    for bridge in GUEST_BRIDGES:
        lines += [f"link add {bridge} type bridge", f"link set {bridge} addrgenmode none", f"link set {bridge} up"]
    return [*lines, "link set eth1 addrgenmode none", "link set eth1 master br-dept up"]


def remove(links: list[str]) -> None:
    """A cable may vanish by itself at any moment, together with its host's namespace."""
    for link in links:
        subprocess.run(["ip", "link", "delete", link], capture_output=True, timeout=20, check=False)
