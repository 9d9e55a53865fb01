"""`vivero bench`: what cloning, pages and memory cost, each as one table."""

from __future__ import annotations

import typer

app = typer.Typer(help="Measure cloning, pages and memory on the real thing.", no_args_is_help=True)
