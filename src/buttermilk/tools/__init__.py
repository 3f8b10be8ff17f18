"""Analysis tools, one per file, and what their settings have in common. `plugins.find("tools", NAME)` opens them."""
