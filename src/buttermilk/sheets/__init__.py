"""One format per file in which records go out to coders and come back. Reached by `plugins.find("sheets", name)`."""
