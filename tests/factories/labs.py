"""A small lab: two machines in one network, a door, and two steps."""

from __future__ import annotations

from typing import Any

from portal.core.labs import (
    Check,
    CheckBy,
    LabAddress,
    LabDoor,
    LabMachine,
    LabNetwork,
    LabSpec,
    LabStep,
    Level,
    Solution,
)
from portal.core.templates import Words

GUIDE = """Welcome.

## Look around {#look}

```type desk
hostname
```

```hint
Try **hostname**.
```

## Write {#write}

[the page](door:page)
"""


def lab_machine(name: str, last: int, **changes: Any) -> LabMachine:
    words = Words(es=f"La máquina {name}", en=f"The machine {name}")
    ordinary = {"template": "micro-linux", "size": "tiny", "addresses": (LabAddress("lan", f"10.20.0.{last}"),)}
    return LabMachine(name=name, label=words, **{**ordinary, **changes})


def lab_step(slug: str) -> LabStep:
    message = Words(es="Todavía no.", en="Not yet.")
    check = Check(CheckBy.AGENT, message, machine="desk", script="test -e /tmp/done\n")
    title = Words(es=f"Paso {slug}", en=f"Step {slug}")
    return LabStep(slug, title, (check,), (Solution("desk", "touch /tmp/done\n"),))


def lab_spec(slug: str = "wiki-page", **changes: Any) -> LabSpec:
    """What a lab's folder says; changes by name."""
    ordinary = LabSpec(
        slug=slug,
        title=Words(es="Una página", en="A page"),
        summary=Words(es="Escribir y mirar.", en="Write and look."),
        subject="linux",
        level=Level.BEGINNER,
        minutes=45,
        owner="informatica",
        offered_to=None,
        networks=(LabNetwork("lan", "10.20.0.0/24"),),
        machines=(lab_machine("desk", 10), lab_machine("server", 11)),
        doors=(LabDoor("page", Words(es="La página", en="The page"), "server", 80),),
        steps=(lab_step("look"), lab_step("write")),
        guide=Words(es=GUIDE.replace("Welcome", "Hola"), en=GUIDE),
    )
    return LabSpec(**{**vars(ordinary), **changes})
