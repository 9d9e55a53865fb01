"""The labs that we ship, on a real seat: each step can fail, and can be done as its solution says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from portal.backends.lab_reader_yaml import YamlLabReader
from portal.backends.labs_folder import read_lab
from portal.backends.templates_folder import read_template
from portal.config import ROOT
from portal.core.labs import LabSpec
from portal.core.templates import TemplateSpec, spec_to_data
from portal.minicluster import Inventory
from portal.models import Lab, Template
from portal.models.database import make_sessions, make_write_sessions
from portal.services import labs
from portal.services.seat_designs import SeatDesign, design_of
from portal.site import Site
from portal.workflows.lab_trials import try_lab
from tests.backends.seats import DISK, Classroom, real_classroom
from tests.factories.cluster import make_template_version
from tests.factories.moments import NOW
from tests.workflows.conftest import NoMailer, RememberingQueue, make_settings
from tests.workflows.doubles import NoNetwork, clock

TEMPLATE = "micro-linux"  # built in a second


def lab_of(slug: str) -> LabSpec:
    found = read_lab(ROOT / "labs" / slug)
    assert isinstance(found, LabSpec), found
    return found


def templates_of(slug: str) -> set[str]:
    """Read in haste: all tests are collected more often than these are run."""
    return set(re.findall(r"^ +template: (\S+)$", (ROOT / "labs" / slug / "lab.yml").read_text(), re.MULTILINE))


SHIPPED = sorted(folder.name for folder in (ROOT / "labs").iterdir())
SMALL = [slug for slug in SHIPPED if templates_of(slug) == {TEMPLATE}]


@pytest.fixture(scope="module")
def classroom(minicluster: Inventory) -> Iterator[Classroom]:
    with real_classroom(minicluster) as classroom:
        yield classroom


@pytest.fixture
def site(classroom: Classroom, tmp_path: Path, kept_url: str, kept_engine: Engine) -> Site:
    return Site(
        settings=replace(make_settings(tmp_path, kept_url), storage_dir=classroom.storage_dir),
        sessions=make_sessions(kept_engine),
        write_sessions=make_write_sessions(kept_engine),
        queue=RememberingQueue(),
        hypervisor=classroom.hypervisor,
        playbooks=classroom.playbooks,
        reachability=NoNetwork(),
        doors=classroom.doors,
        lab_reader=YamlLabReader(),
        mailer=NoMailer(),
        clock=clock,
    )


def designed(site: Site, lab: LabSpec) -> SeatDesign:
    """As the catalogue has it, with the one disk that lies in the cabinet."""
    template = read_template(ROOT / "templates_vm" / TEMPLATE, roles_dir=ROOT / "playbooks" / "roles")
    assert isinstance(template, TemplateSpec)
    with site.write_sessions.begin() as db:
        db.add(Template(slug=TEMPLATE, spec=spec_to_data(template), read_at=NOW))
        db.flush()
        assert make_template_version(db, TEMPLATE).disk == DISK
        labs.sync(db, found=[lab], now=NOW)
        version = db.get_one(Lab, lab.slug).newest
        assert version is not None
        return design_of(db, version)


@pytest.mark.parametrize("slug", sorted(set(SHIPPED) - set(SMALL)))
def test_a_lab_on_another_template_is_tried_where_that_is_built(slug: str) -> None:
    assert f'"{slug}"' in (ROOT / "tests/templates_vm/test_debian_templates.py").read_text()


@pytest.mark.root
@pytest.mark.minicluster
@pytest.mark.slow
@pytest.mark.parametrize("slug", SMALL)
def test_each_step_fails_before_its_solution_and_passes_after_it(slug: str, site: Site, classroom: Classroom) -> None:
    lab = lab_of(slug)
    trials = try_lab(site, designed(site, lab), classroom.host)
    assert [f"{trial.step}: {trial.trouble}" for trial in trials if not trial.ok] == []
    assert len(trials) == len(lab.steps)
    assert classroom.hypervisor.seat_traces(classroom.host).seats == frozenset()
