"""Durable sequences of named steps, each with its undo. A step may run twice: it looks before it acts."""
