"""The moment at which tests happen, unless they say another."""

from __future__ import annotations

from datetime import UTC, date, datetime

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday morning in winter time
TODAY = date(2026, 3, 2)
