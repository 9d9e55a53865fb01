"""The languages of a class: chosen by its teacher, and the only ones its students are offered."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import select

from portal.models import LabSession, Student
from portal.site import Site
from tests.factories.cluster import make_host
from tests.factories.lab_sessions import make_taught_lab
from tests.web.conftest import CheckingClient, People
from tests.web.test_lab_sessions import ANSWERS


@pytest.fixture
def tom(client: CheckingClient, site: Site, people: People) -> CheckingClient:
    with site.write_sessions.begin() as db:
        make_taught_lab(db)
        for number in (1, 2, 3):
            make_host(db, f"hv{number}", address=f"10.77.0.1{number}")
    return client.log_in("tom")


def language(client: CheckingClient, path: str) -> str:
    return client.get(path).text.split('<html lang="')[1][:2]


def offer(site: Site, class_id: UUID, languages: Sequence[str]) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(LabSession, class_id).languages = list(languages)


def test_the_teacher_chooses_and_sees_them(tom: CheckingClient, site: Site) -> None:
    answer = tom.send("/classes/new", {**ANSWERS, "languages": "en"})
    with site.sessions() as db:
        assert db.scalars(select(LabSession.languages)).one() == ["en"]
    text = tom.get(answer.location).text
    assert '<dd><span lang="en">English</span></dd>' in text
    assert "languages=en" in text  # in the address that students open


@pytest.mark.parametrize("languages", ["fr", "es,es", "es,en,fr"])
def test_languages_that_are_none_are_refused(tom: CheckingClient, languages: str) -> None:
    answer = tom.send("/classes/new", {**ANSWERS, "languages": languages})
    assert answer.status_code == 422
    assert 'id="languages-error"' in answer.text


def test_students_read_only_what_the_class_offers(joined: CheckingClient, site: Site, lab_session: UUID) -> None:
    joined.set_cookie("vivero_language", "en")
    text = joined.get("/class").text
    assert '<html lang="en">' in text
    assert "/language/es" in text
    offer(site, lab_session, ["es"])
    text = joined.get("/class").text
    assert '<html lang="es">' in text
    assert "Primeros pasos" in text
    assert "/language/" not in text


def test_who_reads_neither_language_gets_the_first(joined: CheckingClient, site: Site, lab_session: UUID) -> None:
    offer(site, lab_session, ["en", "es"])
    text = joined.get("/class", headers={"Accept-Language": "fr"}).text
    assert '<html lang="en">' in text


def test_other_pages_speak_as_always(joined: CheckingClient, site: Site, lab_session: UUID) -> None:
    offer(site, lab_session, ["es"])
    joined.set_cookie("vivero_language", "en")
    assert language(joined, "/accessibility") == "en"


def test_the_way_in_speaks_as_its_link_says(client: CheckingClient) -> None:
    client.set_cookie("vivero_language", "en")
    text = client.get("/join?code=K7M4QP&languages=es").text
    assert '<html lang="es">' in text
    assert "/language/" not in text
    assert 'action="/join?languages=es"' in text
    assert language(client, "/join/back?languages=es") == "es"


def test_a_code_alone_tells_nothing_about_its_class(client: CheckingClient, site: Site, lab_session: UUID) -> None:
    offer(site, lab_session, ["es"])
    client.set_cookie("vivero_language", "en")
    assert language(client, "/join?code=K7M4QP") == language(client, "/join?code=XXXXXX") == "en"
    assert language(client, "/join?code=K7M4QP&languages=xx") == "en"


def test_checks_answer_in_a_language_of_the_class(client: CheckingClient, site: Site, lab_session: UUID) -> None:
    offer(site, lab_session, ["es"])
    client.set_cookie("vivero_language", "en")
    assert client.send("/join", {"code": "K7M4QP", "name": "Lola"}).status_code == 303
    with site.sessions() as db:
        assert db.scalars(select(Student.locale).where(Student.name == "Lola")).one() == "es"


def test_another_device_and_personal_links_say_it_too(joined: CheckingClient, site: Site, lab_session: UUID) -> None:
    offer(site, lab_session, ["en"])
    assert "/join/back?languages=en#" in joined.get("/class/device").text
