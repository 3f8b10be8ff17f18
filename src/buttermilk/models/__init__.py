"""Wire protocols, one per file, and the model that only simulates. `plugins.find("models", NAME)` opens them."""
