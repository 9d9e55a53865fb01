"""What people can do: one file a noun, one function a verb; `db` is handed in and never committed here."""
