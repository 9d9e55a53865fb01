#!/usr/bin/python3
"""Ansible module: define, start and autostart libvirt networks on this host, or take them away; all in one call."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import libvirt
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: libvirt_networks
short_description: Defines libvirt networks and keeps them running
options:
  definitions: {description: libvirt's XML of each network, type: list, elements: str, required: true}
  state: {choices: [present, absent], default: present}
"""


def name_of(definition: str) -> str:
    """Our own files: no foreign XML comes here."""
    return ElementTree.fromstring(definition).findtext("name", "")  # noqa: S314 - from the playbook's own folder


def flatten(element: ElementTree.Element) -> tuple[Any, ...]:
    return (element.tag, sorted(element.attrib.items()), (element.text or "").strip(), [flatten(e) for e in element])


def says_the_same(definition: str, seen: str) -> bool:
    """Every element of ours stands in what libvirt keeps; libvirt may add its own."""
    ours, theirs = (ElementTree.fromstring(text) for text in (definition, seen))  # noqa: S314 - as above
    return all(flatten(element) in [flatten(other) for other in theirs] for element in ours)


def find(connection: libvirt.virConnect, name: str) -> libvirt.virNetwork | None:
    return next((network for network in connection.listAllNetworks() if network.name() == name), None)


def make_present(connection: libvirt.virConnect, definition: str) -> bool:
    """Whether anything had to be changed. A running network keeps its cables when its definition changes."""
    network = find(connection, name_of(definition))
    changed = False
    if network is None or not says_the_same(definition, network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)):
        network, changed = connection.networkDefineXML(definition), True
    if not network.autostart():
        network.setAutostart(True)
        changed = True
    if not network.isActive():
        network.create()
        changed = True
    return changed


def make_absent(connection: libvirt.virConnect, definition: str) -> bool:
    network = find(connection, name_of(definition))
    if network is None:
        return False
    if network.isActive():
        network.destroy()
    network.undefine()
    return True


def users(connection: libvirt.virConnect, names: list[str]) -> list[str]:
    """Machines, running or not, that are plugged into one of the networks."""
    found = []
    for domain in connection.listAllDomains():
        sources = ElementTree.fromstring(domain.XMLDesc()).iterfind("./devices/interface/source")  # noqa: S314
        if any(source.get("network") in names for source in sources):
            found.append(domain.name())
    return found


def run(module: AnsibleModule) -> None:
    definitions, state = module.params["definitions"], module.params["state"]
    connection = libvirt.open("qemu:///system")
    try:
        if state == "absent" and (machines := users(connection, [name_of(text) for text in definitions])):
            module.fail_json(msg=f"machines still use these networks: {', '.join(sorted(machines))}")
        act = make_present if state == "present" else make_absent
        changed = [act(connection, definition) for definition in definitions]
    finally:
        connection.close()
    module.exit_json(changed=any(changed))


def main() -> None:
    arguments = {
        "definitions": {"type": "list", "elements": "str", "required": True},
        "state": {"choices": ["present", "absent"], "default": "present"},
    }
    module = AnsibleModule(argument_spec=arguments)
    try:
        run(module)
    except libvirt.libvirtError as error:
        module.fail_json(msg=f"libvirt: {error}")


if __name__ == "__main__":
    main()
