"""A build makes a new version or nothing at all, wherever it is interrupted."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from portal.backends import template_builds, template_versions
from portal.backends.template_brought import bring
from portal.backends.template_builds import Workshop, build
from portal.backends.template_versions import TemplateBuildFailed, all_unreadable, alone_in, sha256_of, versions
from portal.core.errors import Cancelled, Conflict, Invalid
from portal.core.templates import (
    Brought,
    Build,
    CloneKind,
    HardwareProfile,
    NetworkClass,
    OperatingSystem,
    Personalisation,
    Range,
    Ready,
    ReadyBy,
    Size,
    TaskWords,
    TemplateSpec,
    Words,
)
from portal.interfaces import PlaybookLine, PlaybookResult, PlaybookRun, PlaybookStatus

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
QCOW2 = b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(96)


def make_spec(**changes: object) -> TemplateSpec:
    words = Words(es="Prueba", en="Trial")
    fields: dict[str, object] = {
        "slug": "trial",
        "name": words,
        "description": words,
        "category": "test",
        "owner": "informatica",
        "may_order": None,
        "tasks": TaskWords(),
        "picture": "picture.svg",
        "system": OperatingSystem("Debian 12", date(2028, 6, 30)),
        "hardware": HardwareProfile(),
        "sizes": (),
        "parameters": (),
        "personalisation": Personalisation.CLOUD_INIT,
        "ready": Ready(ReadyBy.AGENT, 60),
        "network": NetworkClass.DEPARTMENT,
        "clone": CloneKind.LINKED,
        "build": Build("template_trial"),
    }
    return TemplateSpec(**(fields | changes))  # type: ignore[arg-type]


class FakeRunner:
    """Writes a disk where the playbook would; `status` and `before_end` make it misbehave."""

    def __init__(self, disk: bytes = QCOW2, status: PlaybookStatus = PlaybookStatus.SUCCEEDED) -> None:
        self.disk, self.status = disk, status
        self.runs: list[PlaybookRun] = []
        self.before_end: Callable[[], None] = lambda: None

    def run(
        self,
        run: PlaybookRun,
        *,
        on_line: Callable[[PlaybookLine], None] = lambda line: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> PlaybookResult:
        self.runs.append(run)
        work = Path(str(run.variables["template_build_work"]))
        (work / "root").mkdir()
        self.before_end()
        (work / "disk.qcow2").write_bytes(self.disk + str(len(self.runs)).encode())
        on_line(PlaybookLine(NOW, "localhost", "Fill the root: failed", failed=True))
        return PlaybookResult(self.status, {}, {})


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    role = tmp_path / "roles" / "template_trial" / "tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text("- name: Do nothing\n")
    return Workshop(tmp_path / "cabinet", tmp_path / "cache", tmp_path / "roles", FakeRunner(), clock=lambda: NOW)


def names(workshop: Workshop) -> list[str]:
    return sorted(path.name for path in (workshop.cabinet / "templates" / "trial").iterdir())


def test_the_first_build_is_v1_with_its_description(workshop: Workshop) -> None:
    outcome = build(workshop, make_spec())
    disk = workshop.cabinet / "templates" / "trial" / "v1.qcow2"
    assert names(workshop) == [".last-version", ".lock", "v1.json", "v1.qcow2"]
    assert outcome.version.sha256 == sha256_of(disk)
    assert versions(workshop.cabinet, "trial") == [outcome.version]
    assert disk.stat().st_mode & 0o222 == 0


def test_a_second_build_is_v2_and_v1_stays_as_it_was(workshop: Workshop) -> None:
    first = build(workshop, make_spec()).version
    second = build(workshop, make_spec(), force=True).version
    assert (first.version, second.version) == (1, 2)
    assert sha256_of(workshop.cabinet / first.disk) == first.sha256 != second.sha256


def test_nothing_changed_means_no_new_version(workshop: Workshop) -> None:
    build(workshop, make_spec())
    again = build(workshop, make_spec(name=Words(es="Otra", en="Other")))
    assert (again.is_new, again.version.version) == (False, 1)


@pytest.mark.parametrize("what", ["role", "variables"])
def test_a_changed_role_or_variable_makes_a_new_version(workshop: Workshop, what: str) -> None:
    build(workshop, make_spec())
    if what == "role":
        (workshop.roles_dir / "template_trial" / "tasks" / "main.yml").write_text("- name: Do more\n")
        assert build(workshop, make_spec()).is_new
    else:
        assert build(workshop, make_spec(), overrides={"template_trial_size": 3}).is_new


def test_what_was_given_with_the_command_is_recorded_and_counts_for_a_plain_build(workshop: Workshop) -> None:
    spec = make_spec(build=Build("template_trial", {"template_trial_source": ""}))
    first = build(workshop, spec, overrides={"template_trial_source": "/srv/x.tgz"})
    assert versions(workshop.cabinet, "trial")[0].overrides == {"template_trial_source": "/srv/x.tgz"}
    again = build(workshop, spec)
    assert (again.is_new, again.version) == (False, first.version)
    assert again.kept == {"template_trial_source": "/srv/x.tgz"}


def test_a_change_in_template_yml_ends_what_was_given_with_the_command(workshop: Workshop) -> None:
    build(workshop, make_spec(), overrides={"template_trial_source": "/srv/x.tgz"})
    changed = make_spec(build=Build("template_trial", {"template_trial_source": "/srv/y.tgz"}))
    outcome = build(workshop, changed)
    assert (outcome.is_new, outcome.kept, outcome.version.overrides) == (True, {}, {})
    run = workshop.runner.runs[-1]  # type: ignore[attr-defined]
    assert run.variables["template_trial_source"] == "/srv/y.tgz"


@pytest.mark.parametrize(
    ("runner", "trouble"),
    [
        (FakeRunner(status=PlaybookStatus.FAILED), TemplateBuildFailed),
        (FakeRunner(status=PlaybookStatus.TIMED_OUT), TemplateBuildFailed),
        (FakeRunner(status=PlaybookStatus.CANCELLED), Cancelled),
        (FakeRunner(disk=b"half a disk"), TemplateBuildFailed),
        (FakeRunner(disk=QCOW2[:8] + (400).to_bytes(8, "big") + QCOW2[16:]), TemplateBuildFailed),
    ],
)
def test_a_failed_build_leaves_nothing(workshop: Workshop, runner: FakeRunner, trouble: type[Exception]) -> None:
    broken = Workshop(workshop.cabinet, workshop.cache, workshop.roles_dir, runner, clock=workshop.clock)
    with pytest.raises(trouble):
        build(broken, make_spec())
    assert names(workshop) == [".last-version", ".lock"]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def build_and_die(workshop: Workshop, stage: str) -> None:
    """Runs in a child process, which is gone at the named stage as if somebody had pulled the plug."""

    def dying(*arguments: object, **named: object) -> None:
        die()

    if stage == "in the playbook":
        workshop.runner.before_end = die  # type: ignore[attr-defined]
    elif stage == "before the playbook":
        template_builds.run_playbook = dying
    elif stage == "after the playbook":
        template_builds.description_of = dying  # type: ignore[assignment]
    elif stage == "before the disk has its name":
        template_versions.os.link = dying  # type: ignore[assignment]
    elif stage == "after the disk has its name":
        template_versions.Path.unlink = dying  # type: ignore[assignment]
    build(workshop, make_spec())


STAGES = {
    "before the playbook": 0,
    "in the playbook": 0,
    "after the playbook": 0,
    "before the disk has its name": 0,
    "after the disk has its name": 1,
}


@pytest.mark.parametrize(("stage", "finished"), STAGES.items())
def test_a_build_killed_at_any_stage_is_whole_or_absent_and_the_next_one_works(
    workshop: Workshop, stage: str, finished: int
) -> None:
    child = multiprocessing.get_context("fork").Process(target=build_and_die, args=(workshop, stage))
    child.start()
    child.join(20)
    assert child.exitcode == -signal.SIGKILL
    assert len(versions(workshop.cabinet, "trial")) == finished
    outcome = build(workshop, make_spec(), force=True)
    assert outcome.version.version == 2
    assert not [name for name in names(workshop) if name.startswith(".building")]
    assert sha256_of(workshop.cabinet / outcome.version.disk) == outcome.version.sha256


def test_the_number_of_a_deleted_version_is_never_used_again(workshop: Workshop) -> None:
    build(workshop, make_spec())
    for name in ("v1.json", "v1.qcow2"):
        (workshop.cabinet / "templates" / "trial" / name).unlink()
    assert build(workshop, make_spec()).version.version == 2


def test_a_description_stays_when_its_disk_is_missing_for_a_while(workshop: Workshop) -> None:
    first = build(workshop, make_spec()).version
    disk = workshop.cabinet / first.disk
    disk.rename(workshop.cabinet / "elsewhere")
    assert build(workshop, make_spec()).version.version == 2
    (workshop.cabinet / "elsewhere").rename(disk)
    assert [each.version for each in versions(workshop.cabinet, "trial")] == [1, 2]


def test_half_a_base_system_is_removed_once_its_process_is_gone(workshop: Workshop) -> None:
    workshop.cache.mkdir()
    for name in ("debian-bookworm-1.tar", "debian-bookworm-1.tar.4999999", f"debian-bookworm-1.tar.{os.getpid()}"):
        (workshop.cache / name).touch()
    build(workshop, make_spec())
    assert sorted(path.name for path in workshop.cache.iterdir()) == [
        "debian-bookworm-1.tar",
        f"debian-bookworm-1.tar.{os.getpid()}",
    ]


def test_the_folder_of_a_build_that_still_works_is_not_deleted_under_it(workshop: Workshop) -> None:
    left = workshop.cabinet / "templates" / "trial" / ".building-v1-00000000" / "root"
    left.mkdir(parents=True)
    with subprocess.Popen(["cat"], cwd=left, stdin=subprocess.PIPE) as still_working:
        with pytest.raises(TemplateBuildFailed, match=str(still_working.pid)):
            build(workshop, make_spec())
        assert left.is_dir()
    assert build(workshop, make_spec()).is_new
    assert not left.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "half a descri",
        "[]",
        "{}",
        "null",
        '{"version": 2}',
        "\udcff",
        pytest.param("another version's", id="copied"),
    ],
)
def test_a_description_that_says_nothing_sensible_is_left_aside_and_named(workshop: Workshop, text: str) -> None:
    build(workshop, make_spec())
    folder = workshop.cabinet / "templates" / "trial"
    (folder / "v2.qcow2").write_bytes(QCOW2)
    copied = (folder / "v1.json").read_bytes()
    (folder / "v2.json").write_bytes(copied if text.startswith("another") else text.encode(errors="surrogateescape"))
    assert [each.version for each in versions(workshop.cabinet, "trial")] == [1]
    assert all_unreadable(workshop.cabinet) == ["trial/v2.json"]


def test_a_pipe_in_place_of_a_description_keeps_nobody_waiting(workshop: Workshop) -> None:
    folder = workshop.cabinet / "templates" / "trial"
    folder.mkdir(parents=True)
    (folder / "v1.qcow2").write_bytes(QCOW2)
    os.mkfifo(folder / "v1.json")
    assert versions(workshop.cabinet, "trial") == []


def test_two_builds_of_one_template_do_not_meet(workshop: Workshop) -> None:
    with alone_in(workshop.cabinet / "templates" / "trial"), pytest.raises(Conflict):
        build(workshop, make_spec())
    assert build(workshop, make_spec()).is_new


def make_brought_disk(tmp_path: Path, *options: str) -> Path:
    disk = tmp_path / "xp.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, str(disk), "4M"], check=True)
    return disk


def test_a_brought_disk_is_taken_if_its_sum_is_right(tmp_path: Path) -> None:
    disk = make_brought_disk(tmp_path)
    spec = make_spec(build=None, brought=Brought(sha256_of(disk)))
    first = bring(tmp_path / "cabinet", spec, disk, now=NOW)
    assert first.is_new
    assert not bring(tmp_path / "cabinet", spec, disk, now=NOW).is_new


def test_a_brought_disk_with_another_sum_is_refused_and_told_its_sum(tmp_path: Path) -> None:
    disk = make_brought_disk(tmp_path)
    with pytest.raises(Invalid, match=sha256_of(disk)):
        bring(tmp_path / "cabinet", make_spec(build=None, brought=Brought(None)), disk, now=NOW)


def test_a_brought_disk_larger_than_what_may_be_ordered_is_refused(tmp_path: Path) -> None:
    disk = tmp_path / "xp.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "5G"], check=True)
    words = Words(es="pequeña", en="small")

    def spec(least_gib: int) -> TemplateSpec:
        size = Size("small", words, Range(1, 1, 1), Range(512, 512, 512), Range(10, least_gib, 20))
        return make_spec(build=None, brought=Brought(sha256_of(disk)), sizes=(size,))

    with pytest.raises(Invalid, match="has 5 GiB, but a machine may be given 4 GiB"):
        bring(tmp_path / "cabinet", spec(4), disk, now=NOW)
    assert versions(tmp_path / "cabinet", "trial") == []
    assert bring(tmp_path / "cabinet", spec(5), disk, now=NOW).is_new


def test_a_brought_disk_that_reads_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.raw").write_bytes(bytes(4 << 20))
    disk = make_brought_disk(tmp_path, "-b", str(tmp_path / "secret.raw"), "-F", "raw")
    with pytest.raises(Invalid, match="refers to other files"):
        bring(tmp_path / "cabinet", make_spec(build=None, brought=Brought(sha256_of(disk))), disk, now=NOW)
    assert versions(tmp_path / "cabinet", "trial") == []
