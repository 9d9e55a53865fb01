"""Labs of departments on the pages: cloned, edited with a preview, published, offered, subscribed to, booked."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import select

from portal.core.policy import Role
from portal.models import DepartmentLab, Lab, LabDraft, LabSession, LabSubscription
from portal.site import Site
from tests.factories.accounts import make_account
from tests.factories.cluster import make_host
from tests.factories.department_labs import SLUG
from tests.factories.labs import make_lab, make_micro_linux
from tests.factories.moments import NOW
from tests.web.conftest import CheckingClient, People

EDIT = f"/labs/{SLUG}/edit"
GUIDE = f"{EDIT}/files/guide.en.md"


@pytest.fixture
def tom(client: CheckingClient, people: People, site: Site, password_hash: str) -> CheckingClient:
    """He teaches in pharmacy; Rosa teaches in radiology."""
    with site.write_sessions.begin() as db:
        make_micro_linux(db)
        make_lab(db)
        make_account(db, "rosa", role=Role.TEACHER, department="radiologia", password_hash=password_hash)
        for name in ("hv1", "hv2"):
            make_host(db, name)
    return client.log_in("tom")


@pytest.fixture
def cloned(tom: CheckingClient) -> CheckingClient:
    answer = tom.send("/labs/wiki-page/clone", {"name": "wiki"})
    assert (answer.status_code, answer.location) == (303, EDIT)
    return tom


def become(client: CheckingClient, login: str) -> CheckingClient:
    client.send("/logout")
    return client.log_in(login)


def page(client: CheckingClient, address: str) -> str:
    answer = client.get(address, follow_redirects=True)
    assert answer.status_code == 200, answer.status_code
    return unescape(answer.get_data(as_text=True))


def typed(text: str) -> str:
    """What stands in the text area."""
    found = re.search(r"<textarea[^>]*>\r?\n?(.*?)</textarea>", text, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def revision(client: CheckingClient, address: str) -> str:
    found = re.search(r'name="revision"[^>]*value="(\d+)"', client.get(address).get_data(as_text=True))
    assert found is not None
    return found[1]


def save(client: CheckingClient, text: str, address: str = GUIDE, **more: str) -> int:
    """As a browser sends it: line ends of its own, and the revision of the page."""
    seen = revision(client, address)
    answer = client.send(address, {"text": text.replace("\n", "\r\n"), "revision": seen, **more})
    return answer.status_code


def draft(site: Site) -> LabDraft:
    with site.sessions() as db:
        return db.get_one(LabDraft, SLUG)


def publish(client: CheckingClient, news: str = "First words") -> int:
    address = f"/labs/{SLUG}/publish"
    return client.send(address, {"news": news, "revision": revision(client, address)}).status_code


def test_the_whole_road_from_the_clone_to_a_class_of_another_department(cloned: CheckingClient, site: Site) -> None:
    tom = cloned
    assert save(tom, typed(page(tom, GUIDE)).replace("Welcome.", "Welcome to pharmacy.")) == 303
    assert "Welcome to pharmacy." in page(tom, GUIDE)
    assert publish(tom) == 303
    assert tom.send(f"/labs/{SLUG}/offer", {"to": "some", "departments": "radiologia"}).status_code == 303

    rosa = become(tom, "rosa")
    assert "offered by Farmacia" in page(rosa, "/labs?whose=offered")
    text = page(rosa, f"/labs/{SLUG}")
    assert "Welcome to pharmacy." in text
    assert "Book a class" not in text.split("<main")[1]
    assert SLUG not in page(rosa, "/classes/new")
    action = re.search(rf'action="(/labs/{SLUG}/subscriptions/[0-9a-f-]+)"', text)
    assert action is not None
    assert rosa.send(action[1], {"version": "1"}).status_code == 303
    assert f'<option value="{SLUG}">' in page(rosa, "/classes/new")
    booking = {"lab": SLUG, "day": "2026-03-05", "at": "10:00", "minutes": "60", "seats": "2", "repeat": "once"}
    assert rosa.send("/classes/new", booking).status_code == 303

    tom = become(rosa, "tom")
    save(tom, typed(page(tom, GUIDE)).replace("Welcome to pharmacy.", "Welcome back."))
    assert publish(tom, "A warmer greeting") == 303

    rosa = become(tom, "rosa")
    assert "new version" in page(rosa, "/labs")
    assert "Version 2 is out" in page(rosa, f"/labs/{SLUG}")
    news = page(rosa, f"/labs/{SLUG}/news")
    assert "A warmer greeting" in news
    assert '<ins><span class="visually-hidden">new: </span>Welcome back.</ins>' in news
    assert "Welcome to pharmacy." in page(rosa, f"/labs/{SLUG}")
    assert rosa.send(action[1], {"version": "2"}).status_code == 303
    assert "Welcome back." in page(rosa, f"/labs/{SLUG}")
    with site.sessions() as db:
        assert db.scalars(select(LabSession)).unique().one().lab_version.version == 1
    assert rosa.send(f"{action[1]}/end").status_code == 303
    with site.sessions() as db:
        assert db.scalars(select(LabSubscription)).all() == []


def test_a_clone_is_offered_to_teachers_only(tom: CheckingClient) -> None:
    assert "Clone for my department" in page(tom, "/labs/wiki-page")
    assert "Clone for my department" not in page(become(tom, "olga"), "/labs/wiki-page")
    assert tom.send("/labs/wiki-page/clone", {"name": "x"}).status_code == 403


def test_a_bad_name_stands_beside_its_field_and_is_kept(cloned: CheckingClient) -> None:
    for name, said in (
        ("Bad Name", "small letters, digits"),
        ("wiki", "already has a lab"),
        ("", "write a short name"),
    ):
        answer = cloned.send("/labs/wiki-page/clone", {"name": name})
        text = unescape(answer.get_data(as_text=True))
        assert answer.status_code in {409, 422}
        assert said in text.split('id="name-error"')[1]
        assert f'value="{name}"' in text


def test_who_teaches_in_several_departments_chooses(tom: CheckingClient) -> None:
    alan = become(tom, "alan")
    assert "For which department" in page(alan, "/labs/wiki-page/clone")
    answer = alan.send("/labs/wiki-page/clone", {"name": "wiki", "department_id": "nonsense"})
    assert answer.status_code == 422


def test_the_preview_is_what_students_see_and_keeps_nothing(cloned: CheckingClient, site: Site) -> None:
    before = draft(site).files
    bad = "Hi <script>alert(1)</script>\n\n## Look {#look}\n\n[x](javascript:alert(1)) [door](door:nothing)\n"
    answer = cloned.send(f"{EDIT}/preview/guide.en.md", {"text": bad}, check=False)
    text = answer.get_data(as_text=True)
    assert (answer.status_code, "<html" in text, "<script" in text) == (200, False, False)
    assert "&lt;script&gt;" in text
    assert "lab.yml has no door “nothing”" in text
    assert 'data-line="5"' in text
    assert draft(site).files == before


def test_a_preview_without_javascript_keeps_nothing_either(cloned: CheckingClient, site: Site) -> None:
    before = draft(site)
    data = {"text": "Just *this*.", "preview": "yes", "revision": str(before.revision)}
    text = cloned.send(GUIDE, data).get_data(as_text=True)
    assert "<em>this</em>" in text
    assert typed(text) == "Just *this*."
    assert draft(site).files == before.files


def test_a_preview_of_too_much_is_refused_in_words(cloned: CheckingClient) -> None:
    answer = cloned.send(f"{EDIT}/preview/guide.en.md", {"text": "x" * 300_000}, check=False)
    assert "larger than 256 KiB" in answer.get_data(as_text=True)
    assert cloned.send(f"{EDIT}/preview/lab.yml", {"text": "x"}).status_code == 404


def test_a_guide_that_is_too_large_is_refused_and_what_was_typed_stays(cloned: CheckingClient) -> None:
    long = "x" * 300_000
    answer = cloned.send(GUIDE, {"text": long, "revision": "1"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "larger than 256 KiB" in text.split('id="text-error"')[1]
    assert typed(text) == long


def test_ten_megabytes_are_refused_clearly(cloned: CheckingClient, site: Site) -> None:
    before = draft(site).revision
    answer = cloned.send(GUIDE, {"text": "x" * 10 * 1024 * 1024, "revision": "1"})
    assert answer.status_code == 413
    assert "too large" in answer.get_data(as_text=True)
    assert draft(site).revision == before


def test_unseen_characters_are_refused_beside_the_text(cloned: CheckingClient) -> None:
    answer = cloned.send(GUIDE, {"text": "a\x07b", "revision": "1"})
    assert answer.status_code == 422
    assert "cannot be seen" in answer.get_data(as_text=True)


def test_who_saves_second_is_told_and_loses_nothing(cloned: CheckingClient, site: Site) -> None:
    seen = revision(cloned, GUIDE)
    assert save(cloned, "Hers.\n") == 303
    answer = cloned.send(GUIDE, {"text": "Mine.\r\n", "revision": seen})
    text = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 409
    assert "Tom has saved this draft in the meantime" in text
    assert typed(text).replace("\r\n", "\n") == "Mine.\n"
    assert "<del>" in text
    assert draft(site).files["guide.en.md"] == "Hers.\n"
    again = re.search(r'name="revision"[^>]*value="(\d+)"', text)
    assert again is not None
    assert cloned.send(GUIDE, {"text": "Mine.\r\n", "revision": again[1]}).status_code == 303
    assert draft(site).files["guide.en.md"] == "Mine.\n"


def test_a_mistake_in_between_hides_nobody_who_was_faster(cloned: CheckingClient, site: Site) -> None:
    seen = revision(cloned, GUIDE)
    assert save(cloned, "Hers.\n") == 303
    for wrong in ({"text": "a\x07b"}, {"text": "Mine.", "preview": "yes"}):
        text = cloned.send(GUIDE, {**wrong, "revision": seen}).get_data(as_text=True)
        assert f'value="{seen}"' in text.split('name="revision"')[1][:40]
    assert cloned.send(GUIDE, {"text": "Mine.", "revision": seen}).status_code == 409
    assert draft(site).files["guide.en.md"] == "Hers.\n"


def test_a_form_of_one_part_told_of_another_loses_nothing(cloned: CheckingClient) -> None:
    seen = revision(cloned, f"{EDIT}/about")
    save(cloned, "Hers.\n")
    answer = cloned.send(f"{EDIT}/about", {**ABOUT, "title_en": "My title", "revision": seen})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'value="My title"' in text


@pytest.mark.parametrize("revision", ["", "x", "-1", "99999999999999999999", "0"])
def test_a_made_up_revision_saves_nothing(cloned: CheckingClient, site: Site, revision: str) -> None:
    before = draft(site).files
    assert cloned.send(GUIDE, {"text": "Mine.", "revision": revision}).status_code == 409
    assert draft(site).files == before


ABOUT = {
    "title_es": "Nuevo",
    "title_en": "New",
    "summary_es": "Resumen: # uno",
    "summary_en": "Summary",
    "subject": "web",
    "level": "advanced",
    "minutes": "30",
}


def test_what_it_is_about_is_written_into_lab_yml(cloned: CheckingClient, site: Site) -> None:
    address = f"{EDIT}/about"
    assert 'value="A page"' in page(cloned, address)
    assert cloned.send(address, {**ABOUT, "revision": revision(cloned, address)}).status_code == 303
    assert publish(cloned) == 303
    with site.sessions() as db:
        spec = db.get_one(Lab, SLUG).versions[0].spec
        assert (spec["title"]["es"], spec["summary"]["es"], spec["level"]) == ("Nuevo", "Resumen: # uno", "advanced")
    assert "New" in page(cloned, "/labs?whose=own")


@pytest.mark.parametrize(
    ("field", "value"),
    [("title_es", ""), ("title_en", "x" * 121), ("subject", "Two words"), ("minutes", "4"), ("level", "easy")],
)
def test_a_wrong_answer_is_told_beside_its_field(cloned: CheckingClient, field: str, value: str) -> None:
    answer = cloned.send(f"{EDIT}/about", {**ABOUT, "revision": "1", field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.get_data(as_text=True)


MACHINES = {"machine_desk": "micro-linux/small", "machine_server": "micro-linux/tiny"}
OTHER = {"desk": "server", "server": "desk"}


def test_machines_are_chosen_from_what_the_department_may_use(cloned: CheckingClient, site: Site) -> None:
    address = f"{EDIT}/machines"
    text = page(cloned, address)
    assert 'value="micro-linux/small"' in text
    data = {**MACHINES, "revision": revision(cloned, address)}
    assert cloned.send(address, data).status_code == 303
    assert "size: small" in draft(site).files["lab.yml"]
    assert cloned.send(address, {**data, "machine_desk": "windows/huge"}).status_code == 422


def test_machines_that_changed_places_meanwhile_keep_what_was_chosen_for_them(
    cloned: CheckingClient, site: Site
) -> None:
    address, data = f"{EDIT}/machines", {**MACHINES, "revision": "1"}
    swapped = re.sub("name: (desk|server)", lambda found: f"name: {OTHER[found[1]]}", draft(site).files["lab.yml"])
    save(cloned, swapped, f"{EDIT}/files/lab.yml")
    assert cloned.send(address, data).status_code == 409
    assert cloned.send(address, {**data, "revision": str(draft(site).revision)}).status_code == 303
    text = draft(site).files["lab.yml"]
    assert text.index("name: server") < text.index("size: tiny") < text.index("name: desk") < text.index("size: small")


def test_a_machine_whose_template_went_away_keeps_its_choice(cloned: CheckingClient, site: Site) -> None:
    save(cloned, draft(site).files["lab.yml"].replace("micro-linux", "old-linux", 1), f"{EDIT}/files/lab.yml")
    text = page(cloned, f"{EDIT}/machines")
    assert "old-linux · tiny (cannot be used)" in text
    assert "needs the template “old-linux”, which is not there" in text


@pytest.mark.parametrize("part", ["about", "machines"])
def test_a_yaml_bomb_is_told_wherever_it_is_looked_at(cloned: CheckingClient, part: str) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    assert save(cloned, bomb, f"{EDIT}/files/lab.yml") == 303
    text = page(cloned, f"{EDIT}/files/lab.yml")
    assert 'data-line="2"' in text
    assert "aliases" in text
    assert "cannot be read" in page(cloned, f"{EDIT}/{part}")
    assert publish_is_refused(cloned)


def publish_is_refused(client: CheckingClient) -> bool:
    text = page(client, f"/labs/{SLUG}/publish")
    return "The draft has mistakes" in text and 'name="news"' not in text


def test_scripts_are_added_and_removed(cloned: CheckingClient, site: Site) -> None:
    address = f"{EDIT}/files"
    answer = cloned.send(address, {"name": "checks/new.sh", "revision": revision(cloned, address)})
    assert (answer.status_code, answer.location) == (303, f"{EDIT}/files/checks/new.sh")
    assert save(cloned, "#!/bin/sh\ntrue\n", f"{EDIT}/files/checks/new.sh") == 303
    assert draft(site).files["checks/new.sh"] == "#!/bin/sh\ntrue\n"
    assert "Remove this file?" in page(cloned, f"{EDIT}/remove/checks/new.sh")
    seen = str(draft(site).revision)
    assert cloned.send(f"{EDIT}/remove/checks/new.sh", {"revision": seen}).status_code == 303
    assert "checks/new.sh" not in draft(site).files
    answer = cloned.send(address, {"name": "../etc/passwd", "revision": revision(cloned, address)})
    assert answer.status_code == 422
    assert "../etc/passwd" in answer.get_data(as_text=True)
    assert cloned.get(f"{EDIT}/files/checks/never.sh").status_code == 404


def test_publishing_a_further_version_asks_what_is_new(cloned: CheckingClient) -> None:
    publish(cloned)
    assert "Nothing is new since version 1" in page(cloned, f"/labs/{SLUG}/publish")
    save(cloned, typed(page(cloned, GUIDE)).replace("Welcome.", "Hello."))
    assert publish(cloned, "") == 422
    assert "What differs from version 1" in page(cloned, f"/labs/{SLUG}/publish")


def test_a_draft_is_thrown_away_after_a_question(cloned: CheckingClient, site: Site) -> None:
    publish(cloned)
    before = draft(site).files
    save(cloned, "Nothing good.")
    assert "All that was written since version 1 is lost" in page(cloned, f"{EDIT}/discard")
    assert cloned.send(f"{EDIT}/discard", {"revision": str(draft(site).revision)}).status_code == 303
    assert draft(site).files == before


def test_a_clone_without_a_version_goes_away_whole(cloned: CheckingClient, site: Site) -> None:
    assert "whole copy goes away" in page(cloned, f"{EDIT}/discard")
    assert cloned.send(f"{EDIT}/discard", {"revision": "1"}).location == "/labs"
    with site.sessions() as db:
        assert db.get(DepartmentLab, SLUG) is None


def test_a_lab_is_withdrawn_after_a_question_and_brought_back(cloned: CheckingClient) -> None:
    publish(cloned)
    assert "Withdraw this lab?" in page(cloned, f"/labs/{SLUG}/withdraw")
    assert cloned.send(f"/labs/{SLUG}/withdraw").status_code == 303
    assert "has withdrawn it" in page(cloned, f"/labs/{SLUG}")
    assert f'<option value="{SLUG}">' not in page(cloned, "/classes/new")
    assert cloned.send(f"/labs/{SLUG}/bring-back").status_code == 303
    assert f'<option value="{SLUG}">' in page(cloned, "/classes/new")


def test_labs_of_the_same_title_are_told_apart_where_they_are_booked(cloned: CheckingClient) -> None:
    publish(cloned)
    text = page(cloned, "/classes/new")
    assert f"A page ({SLUG})" in text
    assert "A page (wiki-page)" in text


def test_the_offer_is_shown_as_it_was_left(cloned: CheckingClient) -> None:
    publish(cloned)
    address = f"/labs/{SLUG}/offer"
    assert cloned.send(address, {"to": "all"}).status_code == 303
    assert re.search(r'checked[^>]*value="all"', page(cloned, address))
    assert cloned.send(address, {"to": "some", "departments": "mars"}).status_code == 422


@pytest.mark.parametrize("login", ["rosa", "ada", "olga"])
def test_nobody_else_opens_the_editor(cloned: CheckingClient, login: str) -> None:
    publish(cloned)
    cloned.send(f"/labs/{SLUG}/offer", {"to": "all"})
    other = become(cloned, login)
    for part in ("", "/about", "/machines", "/files", "/files/guide.en.md", "/discard", "/remove/checks/look.sh"):
        assert other.get(f"{EDIT}{part}", follow_redirects=True).status_code in {403, 404}, part
    for address in (f"{EDIT}/about", f"{EDIT}/files", GUIDE, f"{EDIT}/preview/guide.en.md", f"{EDIT}/discard"):
        data = {**ABOUT, "text": "x", "name": "checks/x.sh", "revision": "1"}
        assert other.send(address, data).status_code in {403, 404}, address
    for part in ("publish", "offer", "withdraw"):
        assert other.get(f"/labs/{SLUG}/{part}").status_code in {403, 404}


def test_the_draft_of_another_department_does_not_exist(cloned: CheckingClient) -> None:
    rosa = become(cloned, "rosa")
    assert rosa.get(f"/labs/{SLUG}").status_code == 404
    assert rosa.get(f"/labs/{SLUG}/clone").status_code == 404
    assert rosa.get(f"/labs/{SLUG}/news").status_code == 404


def test_an_administrator_sees_departments_labs(cloned: CheckingClient) -> None:
    publish(cloned)
    alan = become(cloned, "alan")
    assert "Farmacia" in page(alan, "/labs")
    assert "Edit" in page(alan, f"/labs/{SLUG}")


def test_now_is_the_time_of_the_draft(cloned: CheckingClient, site: Site) -> None:
    assert (draft(site).changed_at, draft(site).changed_by) == (NOW, "Tom")
