"""The `vivero` command."""
