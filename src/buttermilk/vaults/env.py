"""Secrets of one scholar: the process environment, then a `.env` file in the study."""

import os
from pathlib import Path

from buttermilk.core.contracts import Secret
from buttermilk.core.errors import NoSuchSecret, SecretError


class EnvVault:
    """`secret://env/OPENAI_API_KEY`. A line of `.env` is `NAME=text`, quotes optional, `#` begins a comment line."""

    def __init__(self, root: Path, place: str = ".env") -> None:
        self.file = root / place

    def get(self, name: str, version: str = "") -> Secret:
        if version:
            raise NoSuchSecret("the environment keeps no versions.", where=f"secret://env/{name}@{version}")
        text = os.environ.get(name, "").strip() or self._in_file().get(name)
        if not text:
            raise NoSuchSecret(
                f"there is no secret '{name}' in the environment or in {self.file.name}.",
                where=f"secret://env/{name}",
                hint=f"Type: export {name}=...   or write the line {name}=... into {self.file}",
            )
        return Secret(text, f"secret://env/{name}")

    def _in_file(self) -> dict[str, str]:
        if not self.file.is_file():
            return {}
        try:
            whole = self.file.read_text(encoding="utf-8-sig")
        except (OSError, ValueError):  # not chained: the error of a wrong encoding carries the text it could not read
            raise SecretError("it cannot be read as UTF-8 text.", where=str(self.file)) from None
        lines = [line.strip().removeprefix("export ") for line in whole.splitlines()]
        pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
        return {name.strip(): _unquoted(text.strip()) for name, _, text in pairs}


def _unquoted(text: str) -> str:
    """Without the quotes around it, where the same stands at both ends."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
