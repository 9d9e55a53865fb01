"""Benchmarks: what cloning, pages and memory cost, measured on the real thing."""
