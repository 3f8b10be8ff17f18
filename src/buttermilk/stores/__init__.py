"""Ways to keep results: one file each."""
