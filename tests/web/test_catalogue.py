"""The catalogue page: what is shown to whom, searched by what it is for."""

from __future__ import annotations

from datetime import date

import pytest

from portal.core.templates import NetworkClass, OperatingSystem, Range, Size, TaskWords, Words
from portal.models import Account, Template
from portal.site import Site
from tests.factories.cluster import make_template
from tests.web.conftest import CheckingClient, People
from tests.web.ordering import stock


@pytest.fixture(autouse=True)
def stocked(site: Site) -> None:
    stock(site)


def page(client: CheckingClient, address: str = "/catalogue", **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def add(site: Site, slug: str, **changes: object) -> None:
    with site.write_sessions.begin() as db:
        make_template(db, slug, **{"name": Words(slug, slug), **changes})


def test_a_template_shows_its_name_and_sizes_in_the_readers_language(
    ada: CheckingClient, site: Site, people: People
) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(Account, people.ada).locale = "es"
    text = page(ada)
    assert "Wiki sencilla" in text
    assert "hasta 30 personas" in text
    assert 'href="/catalogue/dokuwiki/order"' in text


def test_a_template_without_a_disk_says_why_it_cannot_be_ordered(ada: CheckingClient, site: Site) -> None:
    add(site, "unbuilt", versions=0)
    text = page(ada)
    assert "offer-unbuilt" in text
    assert "offer-why" in text
    assert "/catalogue/unbuilt/order" not in text


def test_a_broken_template_is_not_shown_even_to_the_administrator(alan: CheckingClient, site: Site) -> None:
    with site.write_sessions.begin() as db:
        make_template(db, "broken")
        db.get_one(Template, "broken").errors = [
            {"file": "template.yml", "line": 3, "field": "sizes", "message": "missing"}
        ]
    assert "offer-broken" not in page(alan)


def test_a_system_out_of_support_carries_a_badge(ada: CheckingClient, site: Site) -> None:
    add(site, "old-app", system=OperatingSystem("Windows XP", date(2014, 4, 8)), network=NetworkClass.QUARANTINE)
    text = page(ada, "/catalogue?q=old-app")
    assert "tone-bad" in text
    assert "2014" in text


def test_search_finds_task_words_without_accents_and_in_both_languages(ada: CheckingClient, site: Site) -> None:
    add(site, "moodle", tasks=TaskWords(("formación continuada",), ("continuing education",)))
    for words in ("formacion", "EDUCATION continuing"):
        text = page(ada, f"/catalogue?q={words}")
        assert "offer-moodle" in text
        assert "offer-dokuwiki" not in text


def test_a_whole_sentence_finds_what_it_names_with_the_people_of_its_size(ada: CheckingClient, site: Site) -> None:
    size = Size("small", Words("hasta 30 personas", "up to 30 people"), *(Range(1, 1, 1),) * 3)
    add(site, "moodle", sizes=(size,))
    for sentence in ("moodle para 30 personas", "necesito un Moodle para 25 personas", "a moodle for the ward"):
        text = page(ada, f"/catalogue?q={sentence}")
        assert "offer-moodle" in text
        assert "offer-dokuwiki" not in text


def test_what_has_the_word_in_its_name_comes_first(ada: CheckingClient, site: Site) -> None:
    add(site, "aula", description=Words("Como una wiki", "Like a wiki"), category="training")
    text = page(ada, "/catalogue?q=wiki")
    assert text.index('id="offer-dokuwiki"') < text.index('id="offer-aula"')


def test_a_hospitals_own_category_has_its_own_words(ada: CheckingClient, site: Site) -> None:
    add(site, "sintrom", category="anticoagulation", category_name=Words("Anticoagulación", "Blood thinning"))
    assert "Blood thinning" in page(ada)


def test_a_category_narrows_and_keeps_the_search(ada: CheckingClient, site: Site) -> None:
    add(site, "lamp", category="test")
    text = page(ada, "/catalogue?category=test&q=lamp")
    assert "offer-lamp" in text
    assert "offer-dokuwiki" not in text
    assert "q=lamp&amp;category=test" in text


def test_a_search_that_finds_nothing_says_what_to_do(ada: CheckingClient) -> None:
    assert 'class="empty-state"' in page(ada, "/catalogue?q=nothing-like-it")


def test_htmx_gets_the_list_alone(ada: CheckingClient) -> None:
    text = page(ada, "/catalogue?q=wiki", **{"HX-Request": "true"})
    assert "<html" not in text
    assert "offer-dokuwiki" in text


def test_other_departments_do_not_see_what_is_not_for_them(client: CheckingClient, people: People, site: Site) -> None:
    add(site, "pharma-app", owner="farmacia", may_order=())
    assert "offer-pharma-app" not in page(client.log_in("eve"))


def test_the_catalogue_cannot_be_posted_to(ada: CheckingClient) -> None:
    assert ada.send("/catalogue").status_code == 405


def test_who_is_not_logged_in_is_sent_to_log_in(client: CheckingClient, people: People) -> None:
    answer = client.get("/catalogue")
    assert (answer.status_code, answer.location) == (303, "/login?next=/catalogue")


def test_a_student_has_no_catalogue(client: CheckingClient, people: People) -> None:
    assert client.log_in("sam").get("/catalogue").status_code == 403


def test_the_auditor_sees_it_without_buttons_to_order(olga: CheckingClient) -> None:
    text = page(olga)
    assert "offer-dokuwiki" in text
    assert "/order" not in text


def test_a_picture_comes_as_an_image_that_cannot_run_anything(ada: CheckingClient) -> None:
    answer = ada.get("/catalogue/dokuwiki/picture", buffered=True)
    assert answer.mimetype == "image/svg+xml"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_picture_outside_of_the_folder_is_not_given(ada: CheckingClient, site: Site) -> None:
    add(site, "debian-12", picture="../../pyproject.toml")
    assert ada.get("/catalogue/debian-12/picture").status_code == 404
