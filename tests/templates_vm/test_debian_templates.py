"""The Debian templates, really built and really booted under QEMU: each serves what it promises, or does not serve."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import tarfile
import zipfile
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from portal.backends.template_versions import TemplateBuildFailed
from tests.guest_pages import read_page
from tests.labs.checked_labs import LabDesk
from tests.templates_vm.conftest import BuildDisk
from tests.templates_vm.qemu_guest import Guest, running_guest, write_seed

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.xdist_group("debian-templates"),  # they share the base system, which one process makes once
    pytest.mark.skipif(os.geteuid() != 0, reason="a template is built by root"),
]
SEED = {"instance_id": "one", "hostname": "prueba-1", "keyboard": "es"}
BOOT_S = 600  # a Debian boots in 15 s when nothing else runs
MOODLE_STAND_IN = Path(__file__).parent / "moodle_stand_in"


@pytest.fixture
def web_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def page(port: int, path: str = "/") -> str:
    return read_page(f"127.0.0.1:{port}", path)


def parameters(**values: str) -> dict[str, str]:
    return SEED | {f"parameter_{name}": value for name, value in values.items()}


def wait_until_ready(guest: Guest) -> None:
    guest.wait_for("vivero ready prueba-1", seconds=BOOT_S)


def test_debian_12_takes_its_name_and_its_agent_answers(build_disk: BuildDisk, folder: Path) -> None:
    with running_guest(build_disk("debian-12"), folder, memory_mib=512, seed=write_seed(folder, SEED)) as guest:
        wait_until_ready(guest)
        assert "10.0.2.15" in str(guest.ask_agent("guest-network-get-interfaces"))


@pytest.mark.parametrize(
    ("template", "labs"),
    [
        ("lamp-test", ["web-survives"]),
        ("dokuwiki", ["wiki-restore"]),
        ("clinical-lab", ["dicom-orthanc", "hl7-adt"]),
    ],
)
def test_a_template_carries_its_labs_from_the_first_step_to_the_last(
    template: str, labs: list[str], build_disk: BuildDisk, desk: LabDesk
) -> None:
    """As `vivero lab check` tries them, on a real seat."""
    build_disk(template)
    for slug in labs:
        desk.check(slug)


def test_a_machine_whose_setting_up_fails_says_so_and_does_not_serve(build_disk: BuildDisk, folder: Path) -> None:
    seed = write_seed(folder, parameters(database_password="it's"))  # no form lets this through
    with running_guest(build_disk("lamp-test"), folder, memory_mib=768, seed=seed) as guest:
        guest.wait_for("vivero failed 50-lamp-test", seconds=BOOT_S)
        guest.wait_for("login:", seconds=BOOT_S)
        guest.type("\nsystemctl is-active apache2 vivero-ready\n")
        guest.wait_for("inactive\r\ninactive")
        assert "vivero ready" not in guest.said


def test_mediawiki_has_the_ordered_name(build_disk: BuildDisk, folder: Path, web_port: int) -> None:
    seed = write_seed(folder, parameters(title="Wiki de Farmacia", admin_password="Una clave 9 larga", language="es"))
    disk = build_disk("mediawiki")
    with running_guest(disk, folder, memory_mib=1024, seed=seed, web_port=web_port) as guest:
        wait_until_ready(guest)
        start = page(web_port)
        assert "Wiki de Farmacia" in start
        assert 'lang="es"' in start


def moodle_stand_in(folder: Path) -> tuple[Path, Path]:
    """A tarball and a language pack of Moodle's shape: hospitals bring the real ones, Debian has none."""
    tarball, pack = folder / "moodle 5.1 #1.tgz", folder / "es.zip"
    with tarfile.open(tarball, "w:gz") as tar:
        tar.add(MOODLE_STAND_IN, "moodle")
    with zipfile.ZipFile(pack, "w") as archive:
        archive.writestr("es/langconfig.php", "<?php\n")
    return tarball, pack


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_moodle_is_made_of_what_the_hospital_brings(build_disk: BuildDisk, folder: Path, web_port: int) -> None:
    tarball, pack = moodle_stand_in(folder)
    brought = {
        "template_moodle_source": str(tarball),
        "template_moodle_sha256": sha256(tarball),
        "template_moodle_language_source": str(pack),
        "template_moodle_language_sha256": sha256(pack),
    }
    seed = write_seed(folder, parameters(title="Aula de Farmacia", admin_password="Una clave 9 larga", language="es"))
    disk = build_disk("moodle", brought)
    with running_guest(disk, folder, memory_mib=1024, seed=seed, web_port=web_port) as guest:
        wait_until_ready(guest)
        assert page(web_port) == "Aula de Farmacia (es), admin: Una clave 9 larga"


def real_moodle() -> dict[str, str]:
    """The tarball, and the Spanish pack if there is one, that somebody named for these tests."""
    named = {"source": os.environ["VIVERO_TEST_MOODLE"], "language_source": os.environ.get("VIVERO_TEST_MOODLE_ES", "")}
    paths = {name: Path(path) for name, path in named.items() if path}
    digests = {name.replace("source", "sha256"): sha256(path) for name, path in paths.items()}
    return {f"template_moodle_{name}": f"{value}" for name, value in (paths | digests).items()}


def address_in_form(port: int, scheme: str) -> str:
    """Where the log-in form is sent when a class's door asks for it, by the browser's own name for the door."""
    headers = {"Host": "seat-0123.doors.example", "X-Forwarded-Proto": scheme}
    with urlopen(Request(f"http://127.0.0.1:{port}/login/index.php", headers=headers), timeout=120) as answer:  # noqa: S310
        found = re.search(r'<form[^>]*action="([^"]*)"', answer.read().decode())
    assert found is not None
    return found[1]


@pytest.mark.skipif("VIVERO_TEST_MOODLE" not in os.environ, reason="VIVERO_TEST_MOODLE names no Moodle tarball")
def test_the_real_moodle_answers_behind_a_door_and_carries_its_lab(
    build_disk: BuildDisk, desk: LabDesk, folder: Path, web_port: int
) -> None:
    seed = parameters(title="Campus de Formación", admin_password="Una clave 9 larga", language="es")
    disk = build_disk("moodle", real_moodle())
    with running_guest(disk, folder, memory_mib=1024, seed=write_seed(folder, seed), web_port=web_port) as guest:
        wait_until_ready(guest)
        assert "Campus de Formación</title>" in page(web_port, "/login/index.php")
        for scheme in ("http", "https"):
            assert address_in_form(web_port, scheme) == f"{scheme}://seat-0123.doors.example/login/index.php"
    desk.check("moodle-course")


def test_an_archive_that_is_not_the_one_that_was_meant_is_refused(build_disk: BuildDisk, folder: Path) -> None:
    tarball, _pack = moodle_stand_in(folder)
    brought = {"template_moodle_source": str(tarball), "template_moodle_sha256": "0" * 64}
    with pytest.raises(TemplateBuildFailed, match="not the given one"):
        build_disk("moodle", brought)
