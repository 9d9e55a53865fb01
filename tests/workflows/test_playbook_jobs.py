"""What becomes of a playbook's result: one sentence that a nurse understands."""

from __future__ import annotations

import pytest

from portal.core.errors import PlaybookFailed
from portal.interfaces import PlaybookResult, PlaybookStatus
from portal.workflows.playbook_jobs import check_result


def sentence(reason: str) -> str:
    with pytest.raises(PlaybookFailed) as failed:
        check_result(PlaybookResult(PlaybookStatus.FAILED, {}, {"hv2": reason}), {})
    return str(failed.value)


def test_a_host_that_does_not_answer_is_said_without_the_words_of_the_transport() -> None:
    said = sentence("does not answer: ssh: connect to host 10.0.0.2 port 22: Connection timed out")
    assert said == (
        "The host hv2 does not answer. When it is back, try again. "
        "If it is gone for good, an administrator declares it lost; then, too, try again."
    )


def test_what_went_wrong_on_a_host_is_said_with_its_reason() -> None:
    assert sentence("the disk is full") == (
        "On host hv2 this happened: the disk is full. Put that right, then try again."
    )
