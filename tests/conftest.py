"""Fixtures that every folder of tests may use; those of one area stand in that area's conftest.py."""

from __future__ import annotations

pytest_plugins = ["tests.factories.databases", "tests.minicluster.fixtures"]
