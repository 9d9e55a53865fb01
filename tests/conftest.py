"""Fixtures that every folder of tests may use; those of one area stand in that area's conftest.py."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.chromium", "tests.factories.databases", "tests.minicluster.fixtures"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With xdist's loadgroup: one process has the cluster, and a file's browser or server is started once."""
    for item in items:
        if item.get_closest_marker("minicluster"):
            item.add_marker(pytest.mark.xdist_group("minicluster"))
        elif item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group(item.path.name))
        elif item.get_closest_marker("postgres"):
            item.add_marker(pytest.mark.xdist_group("postgres"))
