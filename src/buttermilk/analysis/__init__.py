"""Reads what the store keeps, and never runs anything: the tidy frame, the statistics, the report."""
