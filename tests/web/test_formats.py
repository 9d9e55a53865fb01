"""How values that services wrote down read on a page."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_babel import Babel

from portal.web.formats import translated


@pytest.mark.parametrize(("locale", "said"), [("es", "3,8 GB"), ("en", "3.8 GB")])
def test_a_number_in_a_sentence_reads_as_the_reader_writes_it(locale: str, said: str) -> None:
    app = Flask("formats")
    Babel(app, default_locale=locale)
    with app.test_request_context():
        assert translated("%(memory)s GB", {"memory": 3.8}) == said
