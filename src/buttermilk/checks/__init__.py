"""What a prompt's test may expect, one thing or a few kin per file. `plugins.find("checks", NAME)` opens them."""
