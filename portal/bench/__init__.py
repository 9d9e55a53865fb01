"""Measurements: what cloning and pages cost. Nothing here runs in tests or in service."""
