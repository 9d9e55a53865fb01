"""The files that make a host itself: its name, keys, sshd, libvirtd and the networks of prepare_host.yml."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from portal.minicluster.accelerator import Accelerator
from portal.minicluster.plan import STORAGE_DIR, ClusterPlan, HostPlan

SSHD_CONFIG = """\
# Written by the minicluster: one key, no passwords, and quick.
ListenAddress {address}
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /root/.ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
# sshd refuses unix sockets too when this is "no", and consoles are unix sockets.
AllowTcpForwarding local
AllowStreamLocalForwarding yes
X11Forwarding no
PrintMotd no
PrintLastLog no
LoginGraceTime 20
MaxStartups 200:30:400
MaxSessions 200
ClientAliveInterval 15
PidFile none
Subsystem sftp /usr/lib/openssh/sftp-server
"""

LIBVIRTD_CONFIG = """\
# Written by the minicluster: its unix socket only; everybody comes by SSH.
host_uuid = "{uuid}"
auth_unix_ro = "none"
auth_unix_rw = "none"
max_clients = 200
max_queued_clients = 200
max_workers = 40
log_outputs = "3:stderr"
"""

QEMU_CONFIG = """\
# Written by the minicluster: a namespace has no control groups and no users of its own, and the cabinet is shared.
user = "root"
group = "root"
cgroup_controllers = []
namespaces = []
security_driver = "none"
dynamic_ownership = 0
remember_owner = 0
stdio_handler = "logd"
max_core = 0
"""

VAR_FOLDERS = ("cache", "lib/libvirt", "lib/dpkg", "log/libvirt", "spool", "tmp", "mail")


def write_host(plan: ClusterPlan, host: HostPlan, *, accelerator: Accelerator, networks: Path) -> None:
    """Lay out the host's disk. Running it again keeps keys and domains, and renews everything else."""
    etc = host.disk / "etc"
    if not overlay_works(host.disk.parent):
        copy_etc(host.disk)
    for folder in ("etc/ssh", "etc/vivero", "etc/libvirt/qemu/networks/autostart", "etc_work", "root/.ssh"):
        (host.disk / folder).mkdir(parents=True, exist_ok=True)
    (host.disk.parent / "mnt").mkdir(exist_ok=True)
    hide_ssh_keys_of_the_machine(host.disk)
    write_identity(plan, host, etc)
    write_ssh(plan, host)
    (etc / "libvirt" / "libvirtd.conf").write_text(LIBVIRTD_CONFIG.format(uuid=host.uuid))
    (etc / "libvirt" / "qemu.conf").write_text(QEMU_CONFIG)
    write_networks(etc / "libvirt" / "qemu" / "networks", networks)
    facts = {"accelerator": accelerator.name, "cpu_model": accelerator.cpu_model}
    (etc / "vivero" / "host.json").write_text(json.dumps(facts) + "\n")
    write_var(host.disk / "var")
    write_init_config(plan, host, kvm=accelerator.name == "kvm")


def overlay_works(folder: Path) -> bool:
    """An overlay cannot keep its upper layer on another overlay, as inside many containers."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["stat", "--file-system", "--format=%T", str(folder)]
    kind = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
    return kind.strip() != "overlayfs"


def copy_etc(disk: Path) -> None:
    if not (disk / "etc_is_a_copy").exists():
        shutil.copytree("/etc", disk / "etc", symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(disk / "etc" / "ssh", ignore_errors=True)
        (disk / "etc_is_a_copy").touch()


def hide_ssh_keys_of_the_machine(disk: Path) -> None:
    """An opaque folder in the upper layer: nothing of the lower one shows through."""
    if not (disk / "etc_is_a_copy").exists():
        os.setxattr(disk / "etc" / "ssh", "trusted.overlay.opaque", b"y")


def write_identity(plan: ClusterPlan, host: HostPlan, etc: Path) -> None:
    (etc / "hostname").write_text(f"{host.name}\n")
    (etc / "machine-id").write_text(f"{host.uuid.hex}\n")
    (etc / "hosts").write_text(names_of_hosts(plan))
    (etc / "resolv.conf").write_text("")
    # a locked root could not log in by key either; "*" means: no password fits
    (etc / "shadow").write_text("root:*:19700:0:99999:7:::\n")
    (etc / "shadow").chmod(0o600)
    # libvirtd insists that Debian's user exists even where another one runs the guests
    add_line(etc, "passwd", "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin")
    add_line(etc, "group", "libvirt-qemu:x:64055:")


def names_of_hosts(plan: ClusterPlan) -> str:
    return "127.0.0.1 localhost\n" + "".join(f"{host.address} {host.name}\n" for host in plan.hosts)


def add_line(etc: Path, name: str, line: str) -> None:
    text = Path("/etc", name).read_text()
    user = line.split(":", 1)[0]
    known = any(other.startswith(f"{user}:") for other in text.splitlines())
    (etc / name).write_text(text if known else f"{text}{line}\n")


def write_ssh(plan: ClusterPlan, host: HostPlan) -> None:
    etc = host.disk / "etc" / "ssh"
    (etc / "sshd_config").write_text(SSHD_CONFIG.format(address=host.address))
    make_key(etc / "ssh_host_ed25519_key", host.name)
    home = host.disk / "root"
    home.chmod(0o700)
    shutil.copyfile(plan.ssh_key.with_suffix(".pub"), home / ".ssh" / "authorized_keys")


def make_key(path: Path, comment: str) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=20)


def write_known_hosts(plan: ClusterPlan) -> None:
    lines = []
    for host in plan.hosts:
        key = (host.disk / "etc" / "ssh" / "ssh_host_ed25519_key.pub").read_text().split()[:2]
        lines.append(f"{host.name},{host.address} {' '.join(key)}\n")
    plan.known_hosts.write_text("".join(lines))


def write_networks(folder: Path, definitions: Path) -> None:
    """The same definitions that prepare_host.yml gives to real hosts, put where libvirtd reads them at its start."""
    for source in sorted(definitions.glob("*.xml")):
        shutil.copyfile(source, folder / source.name)
        link = folder / "autostart" / source.name
        link.unlink(missing_ok=True)
        link.symlink_to(f"/etc/libvirt/qemu/networks/{source.name}")


def write_var(var: Path) -> None:
    for folder in VAR_FOLDERS:
        (var / folder).mkdir(parents=True, exist_ok=True)
    for name, target in {"run": "/run", "lock": "/run/lock"}.items():
        if not (var / name).is_symlink():
            (var / name).symlink_to(target)
    # what Ansible reads to learn which packages there are
    shutil.copyfile("/var/lib/dpkg/status", var / "lib" / "dpkg" / "status")


def write_init_config(plan: ClusterPlan, host: HostPlan, *, kvm: bool) -> None:
    config = {
        "name": host.name,
        "root": str(host.disk.parent / "mnt"),
        "disk": str(host.disk),
        "cabinet": str(plan.cabinet),
        "storage_dir": STORAGE_DIR,
        "pid_file": str(host.pid_file),
        "kvm": kvm,
    }
    (host.disk.parent / "init.json").write_text(json.dumps(config) + "\n")
