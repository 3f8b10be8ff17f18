"""One way to read records per file. Reached by `plugins.find("sources", name)` alone."""
