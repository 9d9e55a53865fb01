"""Run as a program of its own: many people at once, so that what they cost is not taken for the server's.

An order comes in as JSON, what was seen goes out as JSON. It keeps to the last processor and lets others go first.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

from portal.bench.browsers import Browser, Taken
from portal.bench.console_load import Consoles, sit_at_consoles
from portal.bench.people import Student, Teacher

MODEST = 5  # nice
GROUP = Path("/proc/self/autogroup")  # where the kernel weighs sessions first, niceness counts only inside of one
RAMP_S = 10.0


def stand_aside() -> None:
    os.nice(MODEST)
    if GROUP.exists():
        GROUP.write_text(str(MODEST))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def live(person: Student | Teacher, *, begin_at: float, count_from: float, until: float, late: list[float]) -> None:
    """Until the end; what comes before everybody is there is not counted. `late` is how long we were kept waiting."""
    time.sleep(max(0.0, begin_at - time.monotonic()))
    person.begin(time.monotonic())
    counting = False
    while (wanted := person.next_at()) < until:
        time.sleep(max(0.0, wanted - time.monotonic()))
        now = time.monotonic()
        if not counting and now >= count_from:
            counting, person.browser.taken = True, Taken()
        if counting:
            late.append(1000 * (now - wanted))
        person.act()
    person.browser.close()


def crowd(order: dict[str, Any]) -> dict[str, Any]:
    port, seconds, began = order["port"], order["seconds"], time.monotonic()
    late: list[float] = []
    people: list[Student | Teacher] = [
        Student(Browser(port, {"vivero_seat": key}), Random(number))  # noqa: S311 - nothing secret
        for number, key in enumerate(order["students"])
    ]
    people += [Teacher(Browser(port, {"vivero_session": one["key"]}), one["page"]) for one in order["teachers"]]
    spans = {"count_from": began + RAMP_S, "until": began + RAMP_S + seconds, "late": late}
    threads = [
        threading.Thread(
            target=live, args=(one,), kwargs={"begin_at": began + RAMP_S * 0.8 * number / len(people), **spans}
        )
        for number, one in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = Taken()
    for one in people:
        taken.add(one.browser.taken)
    return {"ms": taken.ms, "errors": taken.errors, "late_ms": late}


def consoles(order: dict[str, Any]) -> dict[str, Any]:
    wanted = Consoles(order["port"], order["origin"], order["machine"], order["students"])
    return sit_at_consoles(wanted, ramp_s=RAMP_S * 0.8, settle_s=RAMP_S * 0.2, seconds=order["seconds"])


def main() -> None:
    stand_aside()
    threading.stack_size(256 * 1024)
    order = json.load(sys.stdin)
    began = time.monotonic()
    seen = {"crowd": crowd, "consoles": consoles}[order["part"]](order)
    used = resource.getrusage(resource.RUSAGE_SELF)
    percent = 100 * (used.ru_utime + used.ru_stime) / (time.monotonic() - began)
    json.dump({**seen, "percent": percent}, sys.stdout)


if __name__ == "__main__":
    main()
