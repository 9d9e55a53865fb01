"""What a version of a lab says, as values: read once, for a whole class looks at the same lab at every click."""

from __future__ import annotations

import json
from functools import lru_cache

from portal.core.labs import LabSpec, lab_from_data
from portal.models import LabVersion

SPECS_KEPT = 64


def spec_of(version: LabVersion) -> LabSpec:
    return read_spec(json.dumps(version.spec))


@lru_cache(maxsize=SPECS_KEPT)
def read_spec(text: str) -> LabSpec:
    """The text is its own key, so that none is older than its lab."""
    return lab_from_data(json.loads(text))
