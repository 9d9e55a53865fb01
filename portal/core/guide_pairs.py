"""Whether a lab says the same in both languages: steps, hints, what students may click, and what checks tell them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from portal.core.errors import N_, Invalid
from portal.core.guides import ActionKind, Guide, GuideAction, guide_mistakes, read_guide
from portal.core.lab_files import GUIDES, LAB_FILE
from portal.core.labs import LabSpec
from portal.core.templates import TemplateError

QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")  # what stands in quotes is often text, and so translated
UNEVEN_HINTS = N_("this step has %(en)s hints here and %(es)s in the other language")
OTHER_ACTION = N_("the other language has no “%(action)s” in this step")
NO_WORDS = N_("has no words in one of the two languages")
LONGEST = 80


def pair_mistakes(spec: LabSpec) -> list[TemplateError]:
    """Everything, in the order in which one would put it right. An empty list: both say the same."""
    try:
        guides = {language: read_guide(spec.guide.read(language)) for language in GUIDES}
    except Invalid as problem:
        return [TemplateError(GUIDES["es"], None, "", problem.message, dict(problem.params))]
    mistakes = [*missing_words(spec)]
    for language, name in GUIDES.items():
        mistakes += guide_mistakes(guides[language], spec, file=name)
    if mistakes:
        return mistakes
    return [*uneven_hints(guides["es"], guides["en"]), *uneven_actions(guides["es"], guides["en"])]


def missing_words(spec: LabSpec) -> Iterator[TemplateError]:
    for step in spec.steps:
        for words in (step.title, *(check.message for check in step.checks)):
            if not (words.es.strip() and words.en.strip()):
                yield TemplateError(LAB_FILE, None, step.slug, NO_WORDS)


def uneven_hints(spanish: Guide, english: Guide) -> list[TemplateError]:
    """Hints are counted, and a student may change the language in the middle."""
    return [
        TemplateError(GUIDES["en"], en.line, en.slug, UNEVEN_HINTS, {"en": len(en.hints), "es": len(es.hints)})
        for es, en in zip(spanish.steps, english.steps, strict=True)
        if len(es.hints) != len(en.hints)
    ]


def uneven_actions(spanish: Guide, english: Guide) -> Iterator[TemplateError]:
    """What may be clicked in one language and not in the other, step by step."""
    yield from unmatched(spanish.actions, english.actions, "")
    for es, en in zip(spanish.steps, english.steps, strict=True):
        yield from unmatched(es.actions, en.actions, es.slug)


def unmatched(spanish: Iterable[GuideAction], english: Iterable[GuideAction], step: str) -> Iterator[TemplateError]:
    both = {"es": list(spanish), "en": list(english)}
    for language, other in (("es", "en"), ("en", "es")):
        left = Counter(meaning(action) for action in both[other])
        for action in both[language]:
            left[meaning(action)] -= 1
            if left[meaning(action)] < 0:
                params = {"action": shown(action)}
                yield TemplateError(GUIDES[language], action.line, step, OTHER_ACTION, params)


def meaning(action: GuideAction) -> tuple[ActionKind, str, str]:
    """What must be the same in both languages: commands but for their quoted words; what is copied may be any text."""
    command = QUOTED.sub('""', action.text) if action.kind is ActionKind.TYPE else ""
    return action.kind, action.name, "\n".join(line.strip() for line in command.splitlines())


def shown(action: GuideAction) -> str:
    words = (action.kind.value, action.name, *action.text.split())
    return " ".join(word for word in words if word)[:LONGEST]
