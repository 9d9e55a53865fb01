"""A workflow queue that remembers what was put in it."""

from __future__ import annotations


class ListQueue:
    def __init__(self) -> None:
        self.entries: list[tuple[str, str, str]] = []

    def enqueue(self, db: object, *, workflow: str, workflow_id: str, subject_id: str, clean_up: bool = False) -> None:
        self.entries.append((workflow, workflow_id, subject_id))
