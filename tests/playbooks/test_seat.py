"""What a host believes of a seat's order: nothing that it has not looked at."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_seat import read_seat

from tests.playbooks.seats import seat_order


def changed(path: list[str | int], value: object) -> dict[str, Any]:
    order: dict[str, Any] = deepcopy(seat_order())
    place: Any = order
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return order


def test_an_ordinary_seat_is_read_as_it_is() -> None:
    seat = read_seat(seat_order())
    assert seat.bridge(0) == "vs1beab11e0"
    assert [machine.host_name for machine in seat.machines] == ["web", "pacs"]
    assert seat.machines[1].cards[0].address == "10.10.0.11"
    assert (seat.image, seat.fresh) == (None, False)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["seat_id"], "../../etc"),
        (["seat_id"], "1BEAB11E-54A6-5F04-AC12-9656C688F760"),
        (["label"], "two\nlines"),
        (["image"], "../templates"),
        (["image"], "ABCDEF0123456789"),
        (["networks", 0, "cidr"], "10.10.0.1/24"),
        (["networks", 0, "cidr"], "8.8.8.0/24"),
        (["networks", 0, "cidr"], "10.0.0.0/8"),
        (["networks", 0, "gateway"], "10.11.0.1"),
        (["networks", 0, "gateway"], "10.10.0.255"),
        (["networks", 0, "name"], "lan;reboot"),
        (["machines"], []),
        (["machines"], "web"),
        (["machines", 0, "host_name"], "web\naddress=/#/1.2.3.4"),
        (["machines", 0, "name"], "web name"),
        (["machines", 0, "template_disk"], "templates/../../etc/v1.qcow2"),
        (["machines", 0, "cards", 0, "network"], "other"),
        (["machines", 0, "cards", 0, "mac"], "01:00:5e:00:00:01"),
        (["machines", 0, "cards", 0, "address"], "10.10.0.254"),
        (["machines", 0, "cards", 0, "address"], "10.10.1.7"),
        (["machines", 1, "cards", 0, "mac"], "52:54:00:5e:00:00"),
        (["machines", 1, "host_name"], "web"),
        (["doors", 0, "name"], "../../x"),
        (["doors", 0, "port"], True),
        (["doors", 0, "port"], "80,exec=reboot"),
        (["doors", 0, "address"], "127.0.0.1"),
    ],
)
def test_what_makes_no_sense_is_refused(path: list[str | int], value: object) -> None:
    with pytest.raises(Refused):
        read_seat(changed(path, value))
