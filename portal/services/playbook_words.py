"""What playbooks and our modules say, in the reader's language.

They speak English, because they run on hosts without the portal. Each sentence of theirs stands here once as a msgid;
a test reads the playbooks and modules and fails when one is missing. What is not known (libvirt's own words) stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

from portal.core.errors import N_

Translate = Callable[[str], str]

TASKS = (
    N_("Make the disks, define the machines and start them"),
    N_("Remove the machines and everything that belongs to them"),
    N_("Make the networks and the machines and let them run"),
    N_("Save the machines with their memory"),
    N_("Remove the seats and everything that belongs to them"),
    N_("Remove saved machines"),
    N_("Shut the machines down and copy their disks"),
)
OUTCOMES = (
    N_("disk made"),
    N_("defined"),
    N_("started"),
    N_("removed"),
    N_("was not there"),
    N_("changed"),
    N_("as it should be"),
    N_("does not answer"),
    N_("no reason was given"),
    N_("its host reported nothing of it"),
    N_("network made"),
    N_("thrown away"),
    N_("made"),
    N_("restored from memory"),
    N_("running"),
    N_("saved"),
    N_("was saved already"),
    N_("shut down"),
    N_("switched off"),
    N_("disk copied"),
)
REFUSALS = (
    N_("%(command)s did not end in %(seconds)s seconds"),
    N_("%(field)s has a value that is not allowed"),
    N_("%(field)s is not a list of at most %(most)s"),
    N_("%(field)s is not a number from 1 to %(most)s"),
    N_("%(field)s is not one of the network's addresses"),
    N_("%(field)s must be one of %(choices)s"),
    N_("%(id)s is not a machine's id"),
    N_("%(id)s is not a seat's id"),
    N_("%(name)s ended as soon as it was made"),
    N_("%(name)s is not a machine of this seat and is left alone"),
    N_("%(name)s was not made by Vivero and is left alone"),
    N_("%(path)s is a link, not a folder"),
    N_("%(path)s is not a qcow2 disk"),
    N_("Windows cannot take a character that one of the parameters has"),
    N_("Windows cannot take a double quote or a line break in a parameter"),
    N_("a card or door names a network that the seat does not have"),
    N_("a door's port is not a number from 1 to 65535"),
    N_("a network's cidr is not a private one of a fitting size"),
    N_("a network's cidr or gateway is not an IPv4 network or address"),
    N_("a parameter is neither a text, a number nor yes or no"),
    N_("a seat needs at least one machine"),
    N_("a seat stands on it"),
    N_("address is not an IPv4 address"),
    N_("address is the network's gateway"),
    N_("another machine on this host is already called %(name)s"),
    N_("another seat has a bridge called %(name)s on this host"),
    N_("another worker has taken over this machine"),
    N_("another worker is busy with this machine"),
    N_("label is not a printable text"),
    N_("no machine of this seat runs on this host, so there is nothing to save"),
    N_("owner is not a printable text"),
    N_("the copy of the seat's disk is not there"),
    N_("the disk of the seat's machine is not on this host's storage"),
    N_("the door %(name)s did not open"),
    N_("the fencing number is not a number"),
    N_("the parameters are too long for a seed"),
    N_("the program %(name)s is not installed on this host"),
    N_("the run was stopped"),
    N_("the saved %(name)s has other hardware than the one that was ordered"),
    N_("the saved machine's definition is not one of ours"),
    N_("the saved machines %(image)s are not on this host's storage"),
    N_("the saved machines %(image)s were saved on a host of another kind"),
    N_("the saved memory is not libvirt's"),
    N_("the saved memory is not of a kind that can be restored"),
    N_("the storage folder %(path)s is not there"),
    N_("the template's disk %(disk)s is not on this host's storage"),
    N_("the template's disk %(disk)s leads out of the storage folder"),
    N_("there is a disk of another template in its place; retire the machine first"),
    N_("this machine was taken away meanwhile"),
    N_("two of the seat's %(what)s are the same"),
    N_("what serves the seat's network does not end"),
)
PLACE = re.compile(r"%\((\w+)\)s")
BEGUN, SAID = " …", " – "  # how a line says that a task began, and what came of it


def translator(gettext: Translate) -> Translate:
    """A translation that also knows what playbooks and modules say, whose texts are no msgids as a whole."""

    def translate(text: str) -> str:
        found = gettext(text) if text else ""
        return found if found != text else in_words(text, gettext)

    return translate


def in_words(text: str, translate: Translate) -> str:
    """A line or a reason, with every part that we know translated."""
    if text.endswith(BEGUN):
        return sentence(text.removesuffix(BEGUN), translate) + BEGUN
    subject, dash, said = text.partition(SAID)
    if dash:
        return f"{sentence(subject, translate)}{SAID}{sentence(said, translate)}"
    return sentence(text, translate)


def sentence(text: str, translate: Translate) -> str:
    """One sentence, or outcomes with commas between them; a full stop at the end is kept."""
    stop = "." if text.endswith(".") else ""
    bare = text.removesuffix(".")
    whole = known(bare, translate)
    if whole is None:
        parts = [known(part, translate) for part in bare.split(", ")]
        whole = ", ".join(part for part in parts if part is not None) if None not in parts else bare
    return whole + stop


def known(text: str, translate: Translate) -> str | None:
    found = recognised(text)
    if found is None:
        return None
    msgid, values = found
    return translate(msgid) % values if values else translate(msgid)


@lru_cache(maxsize=2048)
def recognised(text: str) -> tuple[str, Mapping[str, str]] | None:
    """The msgid and what fills it. A page shows hundreds of lines, and most of them say the same."""
    matches = ((msgid, pattern.fullmatch(text)) for msgid, pattern in patterns().items())
    return next(((msgid, found.groupdict()) for msgid, found in matches if found), None)


@cache
def patterns() -> Mapping[str, re.Pattern[str]]:
    return {msgid: pattern_of(msgid) for msgid in (*TASKS, *OUTCOMES, *REFUSALS)}


def pattern_of(msgid: str) -> re.Pattern[str]:
    """The msgid itself with its places open."""
    pieces = PLACE.split(msgid)  # text, name of a place, text, ...
    return re.compile("".join(f"(?P<{piece}>.+?)" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)))
