"""The library of labs: what teachers find there, what is hidden from whom, and the guide."""

from __future__ import annotations

import pytest

from portal.core.templates import Words
from portal.models import Account, Lab
from portal.site import Site
from tests.factories.cluster import make_template
from tests.factories.labs import lab_spec, make_lab, make_micro_linux
from tests.web.conftest import CheckingClient, People


@pytest.fixture
def tom(client: CheckingClient, people: People) -> CheckingClient:
    return client.log_in("tom")


@pytest.fixture
def lab(site: Site) -> str:
    add(site, "wiki-page")
    return "wiki-page"


def add(site: Site, slug: str, *, template: bool = True, **changes: object) -> None:
    with site.write_sessions.begin() as db:
        if template:
            make_micro_linux(db)
        make_lab(db, slug, **changes)


def break_it(site: Site, slug: str) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(Lab, slug).errors = [
            {"file": "lab.yml", "line": 3, "field": "minutes", "message": "must be a whole number", "params": {}}
        ]


def page(client: CheckingClient, address: str = "/labs", **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_teacher_finds_the_lab_with_what_it_asks_for(tom: CheckingClient, lab: str) -> None:
    text = page(tom)
    assert 'href="/labs/wiki-page"' in text
    for said in ("A page", "45 minutes", "2 steps", "2 machines a seat", "for beginners"):
        assert said in text


def test_the_menu_offers_labs_to_teachers_only(tom: CheckingClient, lab: str) -> None:
    assert 'href="/labs"' in page(tom, "/")


def test_a_requester_is_offered_no_labs(ada: CheckingClient, lab: str) -> None:
    assert 'href="/labs"' not in page(ada, "/")
    assert ada.get("/labs").status_code == 403
    assert ada.get("/labs/wiki-page").status_code == 403


def test_a_library_without_labs_says_how_they_come(tom: CheckingClient) -> None:
    assert "There are no labs yet" in page(tom)


def test_labs_are_found_by_words_of_both_languages(tom: CheckingClient, site: Site, lab: str) -> None:
    add(site, "other", title=Words(es="Aislamiento", en="Isolation"), summary=Words(es="x", en="x"), subject="security")
    text = page(tom, "/labs?q=aislamiento")
    assert "lab-other" in text
    assert "lab-wiki-page" not in text
    assert "No lab like that" in page(tom, "/labs?q=zebra")


def test_labs_are_chosen_by_subject(tom: CheckingClient, site: Site, lab: str) -> None:
    add(site, "other", subject="pharmacy-robots")
    text = page(tom, "/labs?subject=pharmacy-robots")
    assert "Pharmacy robots" in text
    assert "lab-other" in text
    assert "lab-wiki-page" not in text


def test_htmx_gets_the_list_alone(tom: CheckingClient, lab: str) -> None:
    answer = tom.get("/labs?q=page", headers={"HX-Request": "true"}, check=False)
    text = answer.get_data(as_text=True)
    assert "lab-wiki-page" in text
    assert "<html" not in text


def test_the_page_of_a_lab_shows_what_a_seat_takes(tom: CheckingClient, lab: str) -> None:
    text = page(tom, "/labs/wiki-page")
    assert "<strong>2</strong> machines" in text
    assert "10.20.0.10" in text
    assert "Step write" in text


def test_the_guide_can_be_read_in_both_languages(tom: CheckingClient, lab: str) -> None:
    assert "Welcome." in page(tom, "/labs/wiki-page")
    assert "Hola." in page(tom, "/labs/wiki-page?guide=es")
    assert "Welcome." in page(tom, "/labs/wiki-page?guide=klingon")


def test_the_buttons_of_the_guide_wait_for_the_class(tom: CheckingClient, lab: str) -> None:
    text = page(tom, "/labs/wiki-page")
    assert text.count('data-action="') == text.count("disabled") == 2


def test_a_guide_with_a_script_shows_it_as_text(tom: CheckingClient, site: Site) -> None:
    bad = lab_spec().guide.en.replace("Welcome.", "<script>alert(1)</script>")
    add(site, "bad", guide=Words(es=bad, en=bad))
    assert "&lt;script&gt;alert(1)" in page(tom, "/labs/bad")


def test_a_lab_that_cannot_be_taught_says_why(tom: CheckingClient, site: Site) -> None:
    add(site, "lonely", template=False)
    for address in ("/labs", "/labs/lonely"):
        assert "needs the template “micro-linux”, which is not there" in page(tom, address)


def test_a_template_without_a_disk_is_the_reason_in_the_readers_language(
    tom: CheckingClient, site: Site, people: People
) -> None:
    with site.write_sessions.begin() as db:
        make_template(db, "micro-linux", versions=0)
        make_lab(db, "lonely")
        db.get_one(Account, people.tom).locale = "es"
    assert "Su disco no se ha construido todavía" in page(tom, "/labs/lonely")


def test_a_lab_of_another_department_does_not_exist(tom: CheckingClient, site: Site) -> None:
    add(site, "theirs", offered_to=("radiologia",))
    assert "theirs" not in page(tom)
    assert tom.get("/labs/theirs").status_code == 404


def test_a_broken_lab_is_shown_to_administrators_with_its_mistakes(alan: CheckingClient, site: Site, lab: str) -> None:
    break_it(site, lab)
    assert "broken" in page(alan)
    text = page(alan, "/labs/wiki-page")
    assert "lab.yml:3" in text
    assert "must be a whole number" in text


def test_a_broken_lab_is_hidden_from_teachers(tom: CheckingClient, site: Site, lab: str) -> None:
    break_it(site, lab)
    assert "wiki-page" not in page(tom)
    assert tom.get("/labs/wiki-page").status_code == 404


def test_a_lab_that_never_was_good_has_a_page_for_administrators(alan: CheckingClient, site: Site) -> None:
    with site.write_sessions.begin() as db:
        db.add(Lab(slug="draft", read_at=site.clock()))
    break_it(site, "draft")
    assert "draft" in page(alan)
    assert "lab.yml:3" in page(alan, "/labs/draft")


def test_the_auditor_reads_the_library(olga: CheckingClient, lab: str) -> None:
    assert "A page" in page(olga)
    assert page(olga, "/labs/wiki-page")


def test_pages_only_show(tom: CheckingClient, lab: str) -> None:
    assert tom.send("/labs/wiki-page").status_code == 405


def test_a_lab_that_nobody_knows_is_not_found(tom: CheckingClient) -> None:
    assert tom.get("/labs/nothing").status_code == 404
