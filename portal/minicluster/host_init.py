"""The first process of a minicluster host: builds the host's own root, starts its three daemons and reaps.

Run as `/usr/bin/python3 -I host_init.py <config.json>` by cluster.py; standard library only, because it is the
*machine's* Python that runs it. Killing this process is a power cut: the kernel ends everything inside with it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x4000000, 0x8000000, 0x20000000, 1 << 30
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

DAEMONS = {
    "virtlogd": ["/usr/sbin/virtlogd"],
    "libvirtd": ["/usr/sbin/libvirtd"],
    "sshd": ["/usr/sbin/sshd", "-D", "-e"],
}
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
DEVICES = ["null", "zero", "full", "random", "urandom", "tty", "net/tun", "vhost-net"]
# What would act on the machine itself: loading modules, raw ports, the clock, making devices.
FORBIDDEN = {"CAP_SYS_MODULE": 16, "CAP_SYS_RAWIO": 17, "CAP_SYS_TIME": 25, "CAP_MKNOD": 27}
PR_CAPBSET_DROP = 24
RESTARTS = 5  # a daemon that dies more often than this stays dead: a broken host must look broken

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)


def mount(source: str, target: Path | str, kind: str = "", flags: int = 0, data: str = "") -> None:
    arguments = [text.encode() for text in (source, str(target), kind)]
    check(libc.mount(*arguments, ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def bind(source: Path | str, target: Path, *, read_only: bool = False) -> None:
    mount(str(source), target, flags=BIND | REC)
    if read_only:
        mount("", target, flags=BIND | REMOUNT | RDONLY)


def make_tmpfs(target: Path, options: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    mount("tmpfs", target, "tmpfs", NOSUID | NODEV, options)


def build_root(root: Path, config: dict[str, Any]) -> None:
    """Nothing of the machine but its programs is visible: its own /etc, /var, /root, /run, /dev, and the cabinet."""
    make_tmpfs(root, "mode=755,size=16m")
    bring_programs(root)
    disk = Path(config["disk"])
    for name in ("var", "root"):
        (root / name).mkdir()
        bind(disk / name, root / name)
    bring_etc(root, disk)
    make_tmpfs(root / "run", "mode=755")
    make_tmpfs(root / "tmp", "mode=1777")
    for folder in ("run/sshd", "run/lock", "run/vivero"):
        (root / folder).mkdir(mode=0o755)
    cabinet = root / config["storage_dir"].lstrip("/")
    cabinet.mkdir(parents=True)
    bind(config["cabinet"], cabinet)


def bring_programs(root: Path) -> None:
    for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        source = Path("/") / name
        if source.is_symlink():
            (root / name).symlink_to(source.readlink())
        elif source.is_dir():
            (root / name).mkdir()
            bind(source, root / name, read_only=True)


def bring_etc(root: Path, disk: Path) -> None:
    """The machine's /etc below, the host's own files above. host_files.py wrote them before."""
    (root / "etc").mkdir()
    if (disk / "etc_is_a_copy").exists():
        bind(disk / "etc", root / "etc")
    else:
        layers = f"lowerdir=/etc,upperdir={disk}/etc,workdir={disk}/etc_work"
        mount("overlay", root / "etc", "overlay", 0, layers)


def build_dev(root: Path, *, kvm: bool) -> None:
    """Only the devices a hypervisor needs, and /dev/kvm only where a probe boot proved it."""
    dev = root / "dev"
    make_tmpfs(dev, "mode=755,size=1m")
    for name in DEVICES + (["kvm"] if kvm else []):
        if Path("/dev", name).exists():
            (dev / name).parent.mkdir(exist_ok=True)
            (dev / name).touch()
            bind(f"/dev/{name}", dev / name)
    (dev / "pts").mkdir()
    mount("devpts", dev / "pts", "devpts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5")
    (dev / "ptmx").symlink_to("pts/ptmx")
    make_tmpfs(dev / "shm", "mode=1777")
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        (dev / name).symlink_to(f"/proc/self/fd{target}")


def build_kernel_views(root: Path) -> None:
    """/proc and /sys of this host; the machine's own kernel switches are read-only or hidden."""
    proc, sys_ = root / "proc", root / "sys"
    for folder in (proc, sys_):
        folder.mkdir()
    mount("proc", proc, "proc", NOSUID | NODEV | NOEXEC)
    keep_writable(proc / "sys", "net")
    if (proc / "sysrq-trigger").exists():
        bind("/dev/null", proc / "sysrq-trigger")
    mount("sysfs", sys_, "sysfs", NOSUID | NODEV | NOEXEC)
    keep_writable(sys_, "devices/virtual/net")  # libvirt isolates bridge ports through it


def keep_writable(folder: Path, below: str) -> None:
    """Make a folder read-only, but not what lies below."""
    bind(folder, folder)
    bind(folder / below, folder / below)
    mount("", folder, flags=BIND | REMOUNT | RDONLY | NOSUID | NODEV | NOEXEC)


def enter(root: Path) -> None:
    """Make the new root the only one; the machine's mounts are gone from here."""
    os.chdir(root)
    check(libc.pivot_root(b".", b"."), "pivot_root")
    check(libc.umount2(b".", MNT_DETACH), "umount the machine's root")
    os.chdir("/")


def give_up_capabilities() -> None:
    """For good and for all that is started from here: even root of a host cannot have them back."""
    for name, number in FORBIDDEN.items():
        check(libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0), f"drop {name}")


def start_daemon(name: str) -> int:
    pid = os.fork()
    if pid == 0:
        become_daemon(name)
    return pid


def become_daemon(name: str) -> NoReturn:
    log = os.open(f"/var/log/{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.setsid()
    os.execve(DAEMONS[name][0], DAEMONS[name], ENVIRONMENT)  # noqa: S606 - no shell on purpose


def watch_daemons() -> None:
    """Reap for ever; a daemon that dies comes back, as systemd would bring it back on a real host."""
    running = {start_daemon(name): name for name in DAEMONS}
    left = dict.fromkeys(DAEMONS, RESTARTS)
    while running:
        pid, _status = os.waitpid(-1, 0)
        name = running.pop(pid, None)
        if name is None:
            continue
        print(f"{name} ended", flush=True)  # noqa: T201 - this is the host's log
        if left[name] > 0:
            left[name] -= 1
            time.sleep(1)
            running[start_daemon(name)] = name


def live(config: dict[str, Any]) -> None:
    """What the host's first process does until it is killed."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    socket.sethostname(config["name"])
    mount("", "/", flags=REC | PRIVATE)
    root = Path(config["root"])
    build_root(root, config)
    build_dev(root, kvm=config["kvm"])
    build_kernel_views(root)
    enter(root)
    give_up_capabilities()
    watch_daemons()


def start_time(pid: int) -> str:
    """When the process started, in clock ticks: with the pid it names one process for good."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[19]


def main() -> None:
    config = json.loads(Path(sys.argv[1]).read_text())
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET), "unshare")
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write_end)
        if os.read(read_end, 1) != b"1":  # whoever started us died before anybody could know our pid
            os._exit(1)
        os.close(read_end)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # it was the cluster's lock, which is our starter's to hold
        live(config)
        os._exit(1)
    Path(config["pid_file"]).write_text(f"{child} {start_time(child)}\n")
    os.write(write_end, b"1")


if __name__ == "__main__":
    main()
