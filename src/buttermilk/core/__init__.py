"""The values, the doors and the errors. Imports pydantic and nothing else; no I/O, no async work."""
