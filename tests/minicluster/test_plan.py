"""Names and addresses of a cluster are decided once, and units never overlap."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from portal.core.errors import Invalid
from portal.minicluster.network import uses_unit
from portal.minicluster.plan import MOST_HOSTS, UNITS, check_count, load_plan, new_plan, save_plan


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, unit=2, hosts=3, owner="12 345")
    save_plan(plan)
    assert load_plan(tmp_path) == plan


def test_without_a_cluster_there_is_no_plan(tmp_path: Path) -> None:
    assert load_plan(tmp_path) is None


def test_networks_of_all_units_lie_apart(tmp_path: Path) -> None:
    plans = [new_plan(tmp_path, unit=unit, hosts=1, owner="") for unit in UNITS]
    networks = [network for plan in plans for network in (plan.management_network, plan.department_network)]
    assert not any(one.overlaps(other) for one, other in combinations(networks, 2))


def test_interface_names_fit_the_kernels_fifteen_letters(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, unit=max(UNITS), hosts=MOST_HOSTS, owner="")
    names = [plan.management_bridge, plan.department_bridge, *(link for host in plan.hosts for link in host.links)]
    assert max(len(name) for name in names) <= 15
    assert len(set(names)) == len(names)


def test_every_host_has_its_own_uuid_and_address(tmp_path: Path) -> None:
    hosts = new_plan(tmp_path, unit=0, hosts=MOST_HOSTS, owner="").hosts
    assert len({host.uuid for host in hosts}) == len({host.address for host in hosts}) == MOST_HOSTS


@pytest.mark.parametrize(
    ("names", "routes", "taken"),
    [
        (set(), set(), False),
        ({"eth0", "vv1-mgmt"}, {"default"}, False),
        ({"vv0-mgmt"}, set(), True),
        ({"vv0h3d"}, set(), True),
        (set(), {"10.77.0.0/24"}, True),
        (set(), {"10.77.16.0/20"}, True),
    ],
)
def test_a_unit_is_taken_by_name_or_by_address(names: set[str], routes: set[str], taken: bool) -> None:
    assert uses_unit(0, names, routes) == taken


@pytest.mark.parametrize("count", [-1, 0, MOST_HOSTS + 1])
def test_a_count_out_of_bounds_is_refused(count: int) -> None:
    with pytest.raises(Invalid):
        check_count(count)
