"""Runs on a host by SSH, with the host's own Python: as fast as libvirt restores saved machines with nothing around."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import libvirt

HEADER = struct.Struct("<16s5I56x")  # magic, version, length of the XML, was running, compressed, cookie's offset
PIECE = 1 << 26


def restore(connection: Any, name: str, order: dict[str, Any]) -> None:
    folder, image = Path(order["folder"]), Path(order["image"])
    disk = folder / f"{name}.qcow2"
    overlay = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(image / "disk.qcow2"), str(disk)]
    subprocess.run(overlay, check=True)
    memory = Path(order["memory_folder"]) / f"{name}.sav"
    try:
        rewrite(image / "memory.sav", memory, lambda xml: named(xml, name, folder, image))
        connection.restoreFlags(str(memory), None, libvirt.VIR_DOMAIN_SAVE_RUNNING)
    finally:
        memory.unlink(missing_ok=True)


def rewrite(source: Path, target: Path, change: Any) -> None:
    """The same memory under another description."""
    with source.open("rb") as old, target.open("wb") as new:
        magic, version, length, running, packed, cookie = HEADER.unpack(old.read(HEADER.size))
        data = old.read(length)
        xml = change(data[: data.index(0)].decode()).encode() + b"\0"
        rest = data[cookie:] if cookie else b""
        offset = len(xml) if cookie else 0
        body = (xml + rest).ljust(length, b"\0")
        new.write(HEADER.pack(magic, version, len(body), running, packed, offset) + body)
        new.flush()
        done = HEADER.size + length
        while copied := os.copy_file_range(old.fileno(), new.fileno(), PIECE, done):
            done += copied


def named(xml: str, name: str, folder: Path, image: Path) -> str:
    domain = ElementTree.fromstring(xml)  # noqa: S314 - libvirt wrote it
    for tag, text in (("name", name), ("uuid", str(uuid.uuid4())), ("genid", str(uuid.uuid4()))):
        domain.find(tag).text = text  # type: ignore[union-attr]
    for metadata in domain.findall("metadata"):
        domain.remove(metadata)
    files = {"disk": folder / f"{name}.qcow2", "cdrom": image / "seed.iso"}
    for disk in domain.findall("devices/disk"):
        for source in disk.findall("source"):
            source.set("file", str(files[disk.get("device", "disk")]))
    for source in domain.findall("devices/interface/source"):
        source.set("bridge", "br-isolated")
    for element in domain.iter():
        for attribute in ("path", "socket"):
            if element.get(attribute, "").startswith("/run/vivero/"):
                element.set(attribute, f"{folder}/{name}.{Path(element.get(attribute, '')).name}")
    for log in domain.iter("log"):
        log.set("file", f"{folder}/{name}.log")
    return ElementTree.tostring(domain, encoding="unicode")


def remove(connection: Any, prefix: str, folder: Path) -> int:
    removed = 0
    for domain in connection.listAllDomains():
        if domain.name().startswith(prefix):
            domain.destroy()
            removed += 1
    for path in folder.glob(f"{prefix}*"):
        path.unlink(missing_ok=True)
    return removed


def main(order: dict[str, Any]) -> None:
    folder = Path(order["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    connection = libvirt.open("qemu:///system")
    if order["action"] == "remove":
        done = remove(connection, order["prefix"], folder)
    else:
        with ThreadPoolExecutor(order["threads"]) as threads:
            done = len(list(threads.map(lambda name: restore(connection, name, order), order["machines"])))
    ids = {one.name(): one.UUIDString() for one in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING)}
    connection.close()
    sys.stdout.write(json.dumps({"done": done, "ids": ids}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
