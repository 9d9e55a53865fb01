"""The outside world: one module per <interface>_<technology>, a fake beside each real one."""
