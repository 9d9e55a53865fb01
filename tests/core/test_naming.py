"""Names: always the same, never twice, and fit for a host name."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.core.naming import check_copies, check_name, mac_for, vm_id_for, vm_names

REQUEST = UUID("0d2e4b1a-7c1f-4d5e-8a9b-1c2d3e4f5a6b")
good_names = st.from_regex(r"[a-z](-?[a-z0-9]){2,18}", fullmatch=True)


def test_ids_never_change_because_disks_are_named_by_them() -> None:
    assert vm_id_for(REQUEST, 0) == UUID("559d1197-211c-5ae2-b7fc-22650077851e")


@given(st.uuids(), st.integers(0, 29), st.integers(0, 29))
def test_ids_are_the_same_each_time_and_differ_by_position(vm_request_id: UUID, one: int, other: int) -> None:
    assert (vm_id_for(vm_request_id, one) == vm_id_for(vm_request_id, other)) == (one == other)


@given(good_names, st.integers(1, 30))
def test_copies_have_names_of_their_own(name: str, copies: int) -> None:
    names = vm_names(name, copies)
    assert len(set(names)) == copies
    assert all(len(one) <= 50 and re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", one) for one in names)


def test_one_copy_has_the_name_itself() -> None:
    assert vm_names("moodle", 1) == ["moodle"]
    assert vm_names("moodle", 3) == ["moodle-01", "moodle-02", "moodle-03"]


@given(good_names)
def test_good_names_are_taken(name: str) -> None:
    check_name(name)
    assert name


@pytest.mark.parametrize(
    "name",
    ["", "a", "ab", "1abc", "Abc", "ab-", "-abc", "a--b", "a_b", "a b", "a.b", "ñandu", "x" * 41, "abc\n", "../etc"],
)
def test_bad_names_are_refused_beside_their_field(name: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_name(name)
    assert raised.value.field == "name"


@pytest.mark.parametrize("copies", [0, -1, 31])
def test_the_number_of_copies_is_bounded(copies: int) -> None:
    with pytest.raises(Invalid) as raised:
        check_copies(copies)
    assert raised.value.field == "copies"


@given(st.uuids(), st.integers(0, 100))
def test_mac_addresses_are_in_the_range_of_qemu(vm_id: UUID, attempt: int) -> None:
    assert re.fullmatch(r"52:54:00(:[0-9a-f]{2}){3}", mac_for(vm_id, attempt))
    assert mac_for(vm_id, attempt) == mac_for(vm_id, attempt)


def test_another_attempt_gives_another_mac_address() -> None:
    assert len({mac_for(REQUEST, attempt) for attempt in range(10)}) == 10
