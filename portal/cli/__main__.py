"""`python -m portal.cli` is `vivero`."""

from portal.cli import main

main()
