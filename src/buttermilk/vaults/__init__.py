"""Ways to find a secret: one file each."""
