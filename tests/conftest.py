"""Fixtures that every folder of tests may use; those of one area stand in that area's conftest.py."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.chromium", "tests.factories.databases", "tests.minicluster.fixtures"]


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With xdist's loadgroup: one process has the cluster, and a file's browser or server is started once."""
    for item in items:
        if item.get_closest_marker("minicluster"):
            item.add_marker(pytest.mark.xdist_group("minicluster"))
        elif item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group(item.path.name))
        elif item.get_closest_marker("postgres"):
            item.add_marker(pytest.mark.xdist_group("postgres"))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Say so when xdist and pytest do not fit together and the groups are lost: two demos would share one folder."""
    if session.config.getoption("loadgroup", False):
        lost = [
            item.nodeid for item in session.items if item.get_closest_marker("minicluster") and "@" not in item.nodeid
        ]
        assert not lost, f"pytest-xdist did not group {len(lost)} tests, {lost[0]} for one"
