"""The labs that we ship, on a real seat: each step can fail, and can be done as its solution says.

Here those whose machines are all made from a template that is built in a second; those on Debian stand where their
templates are built (tests/templates_vm).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from portal.config import ROOT
from portal.minicluster import Inventory
from tests.labs.checked_labs import LabDesk, lab_desk
from tests.templates_vm.workshops import build_into

TEMPLATE = "micro-linux"


def templates_of(slug: str) -> set[str]:
    """Read in haste: all tests are collected more often than these are run."""
    return set(re.findall(r"^ +template: (\S+)$", (ROOT / "labs" / slug / "lab.yml").read_text(), re.MULTILINE))


SHIPPED = sorted(folder.name for folder in (ROOT / "labs").iterdir())
SMALL = [slug for slug in SHIPPED if templates_of(slug) == {TEMPLATE}]


@pytest.mark.parametrize("slug", sorted(set(SHIPPED) - set(SMALL)))
def test_a_lab_on_another_template_is_tried_where_that_is_built(slug: str) -> None:
    assert f'"{slug}"' in (ROOT / "tests/templates_vm/test_debian_templates.py").read_text()


@pytest.fixture(scope="module")
def desk(minicluster: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDesk]:
    build_into(minicluster.cabinet, TEMPLATE)
    with lab_desk(minicluster, tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.mark.root
@pytest.mark.minicluster
@pytest.mark.slow
@pytest.mark.parametrize("slug", SMALL)
def test_each_step_fails_before_its_solution_and_passes_after_it(slug: str, desk: LabDesk) -> None:
    desk.check(slug)
