"""One way to write a table per file. Reached by `plugins.find("exports", name)` alone."""
