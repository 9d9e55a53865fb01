"""dokuwiki, really built and really booted: its first page carries the ordered name, and its administrator gets in."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from portal.backends.playbooks_ansible import AnsiblePlaybooks
from portal.backends.template_builds import Workshop, build
from portal.backends.templates_folder import read_template
from portal.config import ROOT
from portal.core.templates import TemplateSpec
from tests.templates_vm.qemu_guest import running_guest, write_seed

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="a template is built by root"),
]
ORDER = {
    "instance_id": "one",
    "hostname": "wiki-farmacia",
    "parameter_title": "La wiki de Farmacia",
    "parameter_admin_password": "una clave larga",
    "parameter_open_reading": "false",
}
PAGE = "curl -s -L http://127.0.0.1/ | grep -o '<title>.*</title>\\|name=\"p\"'"
LOG_IN = (
    "curl -s -L --data-urlencode 'p=una clave larga' -d 'id=start&do=login&u=admin' -c /tmp/c http://127.0.0.1/doku.php"
)


def test_its_start_page_is_served_under_the_ordered_name(tmp_path: Path) -> None:
    roles = ROOT / "playbooks" / "roles"
    spec = read_template(ROOT / "templates_vm" / "dokuwiki", roles_dir=roles)
    assert isinstance(spec, TemplateSpec)
    runner = AnsiblePlaybooks(ROOT / "playbooks", tmp_path / "no-key", tmp_path / "no-hosts")
    # the base system is kept between runs of the tests; which one it is stands in its name
    workshop = Workshop(tmp_path, ROOT / "var" / "cache", roles, runner, clock=lambda: datetime.now(UTC))
    version = build(workshop, spec).version
    runner.close()
    with TemporaryDirectory(prefix="vivero-", dir="/var/tmp") as name:  # noqa: S108 - short enough for a unix socket
        folder = Path(name)
        with running_guest(tmp_path / version.disk, folder, memory_mib=512, seed=write_seed(folder, ORDER)) as guest:
            guest.wait_for("vivero ready wiki-farmacia 10.0.2.15", seconds=400)
            guest.wait_for("vivero@wiki-farmacia", seconds=60)
            guest.type(f"{PAGE}\n")
            guest.wait_for("La wiki de Farmacia]</title>", seconds=60)
            guest.type(f"{LOG_IN} | grep -q 'do=logout' && echo logged''-in\n")
            guest.wait_for("logged-in", seconds=60)
