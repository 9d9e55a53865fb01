"""Files are replaced whole, links are not followed, and a late worker is kept out."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import uuid4

import pytest
from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_storage import (
    Places,
    fenced,
    forget_fences,
    make_folder,
    remove_tree,
    token_of,
    write_whole,
)


def test_a_worker_with_a_lower_number_is_refused(tmp_path: Path) -> None:
    fence = tmp_path / "fences" / "one"
    with fenced(fence, 7):
        pass
    with pytest.raises(Refused, match="another worker has taken over"), fenced(fence, 6):
        pass


def test_the_rest_of_a_cancelled_run_makes_nothing_of_what_was_taken_away(tmp_path: Path) -> None:
    fence = tmp_path / "fences" / "one"
    for _twice in range(2):
        with fenced(fence, 7, retiring=True):
            pass
    with pytest.raises(Refused, match="was taken away"), fenced(fence, 7):
        pass
    with fenced(fence, 8):  # a new try, under a number of its own
        pass


def test_a_fence_is_forgotten_a_week_after_its_machine(tmp_path: Path) -> None:
    kept, gone = Places(tmp_path, uuid4()), Places(tmp_path, uuid4())
    kept.folder.mkdir(parents=True)
    for places in (kept, gone):
        with fenced(places.fence, 1, retiring=True):
            pass
    forget_fences(tmp_path, time.time())
    assert gone.fence.exists()
    forget_fences(tmp_path, time.time() + 8 * 24 * 3600)
    assert (kept.fence.exists(), gone.fence.exists()) == (True, False)


def test_the_same_and_a_higher_number_may_go_on(tmp_path: Path) -> None:
    for token in (7, 7, 8):
        with fenced(tmp_path / "fence", token):
            pass
    assert (tmp_path / "fence").read_text() == "8\n"


def test_a_fencing_number_comes_as_a_token() -> None:
    vm_id = uuid4()
    assert token_of({str(vm_id): {"token": 3}}, vm_id) == 3
    assert token_of({}, vm_id) is None
    with pytest.raises(Refused):
        token_of({str(vm_id): {"token": "3"}}, vm_id)


def test_writing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "reservation"
    assert [write_whole(file, text, mode=0o644) for text in ("a", "a", "b")] == [True, False, True]
    assert file.read_text() == "b"


def test_the_rest_of_a_killed_run_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".reservation.new").write_text("half")
    assert write_whole(tmp_path / "reservation", "whole", mode=0o644)
    assert [path.name for path in tmp_path.iterdir()] == ["reservation"]


def test_removing_a_folder_never_follows_a_link(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").touch()
    (tmp_path / "vm").symlink_to(treasure)
    assert remove_tree(tmp_path / "vm")
    assert (treasure / "gold").exists()
    assert not (tmp_path / "vm").is_symlink()


def test_a_link_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vm").symlink_to(tmp_path)
    with pytest.raises(Refused, match="is a link"):
        make_folder(tmp_path / "vm", mode=0o700)


def test_all_that_belongs_to_a_machine_bears_its_id() -> None:
    vm_id = uuid4()
    places = Places(Path("/srv/vivero"), vm_id)
    assert all(str(vm_id) in str(path) for path in (places.disk, places.seed, places.dhcp, places.sockets))
