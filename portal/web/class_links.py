"""The personal links of a class's people: on one page, once, and as CSV for who wants to hand them out."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from flask import render_template, url_for
from flask_babel import gettext as _

from portal.core.lease import local_day
from portal.core.lifecycle import LabSessionState
from portal.core.recurrence import SeriesRule, rule_of
from portal.models import LabSession
from portal.services.invitations import PersonalLink
from portal.services.lab_specs import spec_of
from portal.web.context import site
from portal.web.csv_files import lines_of
from portal.web.formats import hour, weekday, when
from portal.web.languages import current_language


def title_of(lab_session: LabSession) -> str:
    """The lab's name as the reader reads it."""
    return spec_of(lab_session.lab_version).title.read(current_language())


def series_words(dates: Sequence[LabSession]) -> str:
    """When the dates of a series are; those that were cancelled do not count."""
    held = [one for one in dates if one.state != LabSessionState.CANCELLED]
    timezone = site().settings.timezone
    if len(held) > 1 and rule_of([one.starts_at for one in held], timezone) == SeriesRule.WEEKLY:
        day = weekday(local_day(held[0].starts_at, timezone))
        return str(_("Every week, %(weekday)s at %(time)s", weekday=day, time=hour(held[0].starts_at)))
    return str(_("On several days and at several times"))


def links_page(links: Sequence[PersonalLink], made: Sequence[LabSession]) -> str:
    """Nothing of it is kept, not even for the download: the table stands in the page itself."""
    one = len(made) == 1
    back = url_for("lab_sessions.show", lab_session_id=made[0].id) if one else url_for("lab_sessions.index")
    titles = (_("Name"), _("E-mail"), _("Class"), _("Personal link"))
    rows = [(link.name, link.email, when(link.lab_session.starts_at), address_of(link)) for link in links]
    table = "".join(lines_of(titles, rows))
    return render_template(
        "lab_sessions/links.html",
        links=[(link, address_of(link)) for link in links],
        several=not one,
        mailed=len({link.email for link in links if link.email}) if site().settings.base_url else 0,
        title=title_of(made[0]),
        back=back,
        table=f"data:text/csv;charset=utf-8,{quote(table)}",
    )


def address_of(link: PersonalLink) -> str:
    base = site().settings.base_url.rstrip("/") or url_for("overview.show", _external=True).rstrip("/")
    return base + link.path
