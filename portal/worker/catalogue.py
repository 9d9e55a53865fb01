"""Watches the folders of templates and labs and the cabinet: a changed file is in the catalogue without a command."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from portal.site import Site
from portal.wiring import catalogue_state, sync_catalogue

log = structlog.get_logger()


@dataclass
class CatalogueWatch:
    """The first look only remembers: the worker has read everything at its start."""

    seen: tuple[tuple[str, int, int], ...] | None = None

    def look(self, site: Site) -> None:
        state = catalogue_state(site.settings)
        if self.seen is not None and state != self.seen:
            with site.write_sessions.begin() as db:
                report = sync_catalogue(site.settings, db, now=site.clock())
            log.info(
                "catalogue read again",
                **{title.replace(" ", "_"): list(slugs) for title, slugs in report.lines().items()},
            )
        self.seen = state
