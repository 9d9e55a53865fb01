"""Seats' definitions: a new one, and one of a saved machine turned into another seat's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element, fromstring

import pytest
from ansible.module_utils.vivero_domain import HostWays
from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_seat import SEAT_NAMESPACE, read_seat
from ansible.module_utils.vivero_seat_domain import read_mark, seat_domain_xml, turned_into
from ansible.module_utils.vivero_seat_network import dnsmasq_conf, names_file
from ansible.module_utils.vivero_seat_places import SeatPlaces

from tests.playbooks.seats import SEAT_ID, WEB_ID, seat_order

OTHER = "2f35e268-6fd2-55e6-858f-a1aa0aad09dc"
OTHER_WEB = "c9575637-2b4e-53f1-a42c-ce8e90b97a0d"


def definition(order: dict[str, Any]) -> str:
    seat = read_seat(order)
    places = SeatPlaces(Path("/srv/vivero"), seat.seat_id).machine(seat.machines[0].vm_id)
    xml = str(seat_domain_xml(seat, seat.machines[0], places, HostWays("qemu", "none")))
    return xml.replace('<memory unit="MiB">128', '<memory unit="KiB">131072')  # as libvirt writes it


def turned(xml: str, **changes: Any) -> Element:
    order = {**seat_order(), "seat_id": OTHER}
    order["machines"][0] |= {"vm_id": OTHER_WEB, "name": "class-00000000-08-web", **changes}
    seat = read_seat(order)
    places = SeatPlaces(Path("/srv/vivero"), seat.seat_id).machine(seat.machines[0].vm_id)
    return fromstring(turned_into(xml, seat, seat.machines[0], places))  # noqa: S314 - we wrote it


def test_a_seat_s_machine_carries_the_seat_s_mark_and_not_the_other_one() -> None:
    domain = fromstring(definition(seat_order()))  # noqa: S314 - we wrote it
    marks = list(domain.find("metadata") or [])
    assert [(mark.tag, mark.get("id"), mark.get("machine")) for mark in marks] == [
        (f"{{{SEAT_NAMESPACE}}}seat", SEAT_ID, "web")
    ]


def test_its_card_is_plugged_into_the_seat_s_own_bridge() -> None:
    card = fromstring(definition(seat_order())).find("devices/interface")  # noqa: S314 - we wrote it
    assert card is not None
    assert (card.get("type"), card.find("source").get("bridge")) == ("bridge", "vs1beab11e0")  # type: ignore[union-attr]


def test_nothing_of_the_saved_seat_is_left_in_the_other_one_s() -> None:
    domain = turned(definition(seat_order()))
    text = " ".join(value for element in domain.iter() for value in (element.text or "", *element.attrib.values()))
    for of_the_saved in (SEAT_ID, WEB_ID, "vs1beab11e", "class-00000000-07"):
        assert of_the_saved not in text
    assert (domain.findtext("name"), domain.findtext("uuid")) == ("class-00000000-08-web", OTHER_WEB)


def test_what_the_memory_knows_stays() -> None:
    domain = turned(definition(seat_order()))
    assert domain.find("devices/interface/mac").get("address") == "52:54:00:5e:00:00"  # type: ignore[union-attr]
    assert domain.findtext("cpu/model") == "qemu64"


@pytest.mark.parametrize(
    "changes",
    [
        {"memory_mib": 256},
        {"vcpus": 2},
        {"cards": [{"network": "lan", "mac": "52:54:00:5e:00:07", "address": "10.10.0.10"}]},
    ],
)
def test_a_machine_of_other_hardware_is_not_restored(changes: dict[str, Any]) -> None:
    saved = definition(seat_order())
    with pytest.raises(Refused, match="other hardware"):
        turned(saved, **changes)


def test_a_mark_is_read_back_and_nonsense_is_none() -> None:
    assert read_mark(f"<s:seat xmlns:s='{SEAT_NAMESPACE}' id='{SEAT_ID}' machine='web'/>") == (UUID(SEAT_ID), "web")
    assert read_mark("<seat id='7'/>") is None
    assert read_mark("no mark") is None


def test_the_seat_s_own_server_offers_addresses_and_no_way_out() -> None:
    seat = read_seat(seat_order())
    lines = dnsmasq_conf(seat, SeatPlaces(Path("/srv/vivero"), seat.seat_id)).splitlines()
    assert "dhcp-host=52:54:00:5e:00:00,10.10.0.10,web,infinite" in lines
    assert "dhcp-option=option:router" in lines  # an empty one: no router
    assert not [line for line in lines if line.startswith(("server=", "log-facility="))]
    assert names_file(replace(seat)) == "10.10.0.10 web\n10.10.0.11 pacs\n"
