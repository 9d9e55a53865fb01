"""The worker: carries workflows on, looks after hosts, leases and mails, and says every few seconds that it lives."""

from __future__ import annotations

from portal.worker.loop import Pace, run_worker

__all__ = ["Pace", "run_worker"]
