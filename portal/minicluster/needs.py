"""What the machine must have before a minicluster can stand on it; asked first, answered in one sentence."""

from __future__ import annotations

import os
import shutil

from portal.core.errors import N_, NotAllowed, OutsideUnavailable
from portal.minicluster.host_init import ENVIRONMENT

PACKAGES = {
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "libvirtd": "libvirt-daemon",
    "virtlogd": "libvirt-daemon",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "dnsmasq": "dnsmasq-base",
    "socat": "socat",
    "/usr/bin/python3": "python3-libvirt",
}


def check_root() -> None:
    if os.geteuid() != 0:
        raise NotAllowed(N_("The minicluster needs root: it makes network, mount and process namespaces."))


def missing_packages(path: str = ENVIRONMENT["PATH"]) -> list[str]:
    """Debian packages whose programs are not there."""
    return sorted({package for program, package in PACKAGES.items() if not shutil.which(program, path=path)})


def check_packages() -> None:
    missing = missing_packages()
    if missing:
        raise OutsideUnavailable(N_("Please install these packages first: %(packages)s"), packages=", ".join(missing))
