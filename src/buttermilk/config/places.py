"""Which file and line said so: from a place in the composed configuration back to what a person wrote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from buttermilk.config.references import hidden
from buttermilk.config.schema import block, homes
from buttermilk.config.study import called, conf_file
from buttermilk.core.errors import ButtermilkError, ConfigError, did_you_mean
from buttermilk.documents import in_plain_words, load_yaml, read_text

Path_ = tuple[str, ...]
MOST_SHOWN = 8


@dataclass(frozen=True)
class Written:
    """One file, and where its content lies in the composed configuration: `agent.gpt`."""

    file: Path
    label: str
    under: Path_ = ()

    @cached_property
    def lines(self) -> dict[Path_, int]:
        """`{("steps", "judge", "repeats"): 9}`. Read again only when something is wrong."""
        _, lines = load_yaml(read_text(self.file), self.label)
        return {(*self.under, *key.split(".")): line for key, line in lines.items()}


@dataclass(frozen=True)
class Places:
    """All that was said, the strongest first: the command line, then the files."""

    said: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[Written] = ()
    root: Path = Path()

    @classmethod
    def of(cls, root: Path, flow: str, agents: Iterable[str], dataset: str | None, said: Mapping[str, str]) -> "Places":
        """The order is that of `conf/buttermilk.yaml`, turned round."""
        named: list[tuple[str, Path_]] = [("local", ()), (f"flow/{flow}", ())]
        named += [(f"agent/{name}", ("agent", name)) for name in agents]
        named += [(f"dataset/{dataset}", ("data",))] if dataset else []
        named += [("config", ())]
        groups = {"store": "sqlite", "run": "default", "prices": "default"}
        groups |= {group: said[group].partition("=")[2] for group in groups if group in said}
        named += [(f"{group}/{name}", (group,)) for group, name in groups.items()]
        files = [(conf_file(root, name), under) for name, under in named]
        return cls(said, [Written(file, called(root, file), under) for file, under in files if file], root)

    def where(self, path: Path_) -> str:
        """`conf/flow/news.yaml:7`, or `on the command line (steps.judge.repeats=many)`."""
        dotted = ".".join(path)
        for key, token in self.said.items():
            if dotted == key or dotted.startswith(f"{key}."):
                return f"on the command line ({hidden(token)})"
        for length in range(len(path), 0, -1):
            for written in self.files:
                line = written.lines.get(path[:length])
                if line is not None:
                    return f"{written.label}:{line}"
                if len(written.under) > 1 and path[:length] == written.under:
                    return written.label
            below = [token for key, token in self.said.items() if key.startswith(f"{'.'.join(path[:length])}.")]
            if below:
                return f"on the command line ({hidden(below[0])})"
            for written in self.files:
                if written.under and path[:length] == written.under:
                    return written.label
        return next((written.label for written in self.files if not written.under and "flow/" in written.label), "")

    def error(self, path: Path_, message: str, hint: str = "") -> ConfigError:
        return ConfigError(message, where=self.where(path), hint=hint)

    def wrong(self, error: ValidationError, under: Path_ = ()) -> list[ButtermilkError]:
        """What pydantic found, as a scholar would say it, each with file and line."""
        found = zip(error.errors(), in_plain_words(error), strict=True)
        absent: dict[Path_, list[str]] = {}
        wrong: list[ButtermilkError] = []
        for each, (_, sentence) in found:
            path = (*under, *(str(step) for step in each["loc"]))
            if each["type"] == "missing":
                absent.setdefault(path[:-1], []).append(path[-1])
            else:
                wrong.append(self._wrong(each["type"], sentence, path))
        return wrong + [self._absent(path, keys) for path, keys in absent.items()]

    def _absent(self, path: Path_, keys: Sequence[str]) -> ConfigError:
        what = (block(path) or ("this", ()))[0]
        shown = [f"'{key}'" for key in keys]
        needed = " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
        missing = "it is" if len(keys) == 1 else "they are"
        return self.error(path, f"{what} needs {needed}; here {missing} missing.")

    def _wrong(self, kind: str, sentence: str, path: Path_) -> ConfigError:
        if kind == "extra_forbidden" and block(path[:-1]):
            return self.unknown_key(path)
        if kind in ("model_type", "model_attributes_type", "dict_type", "mapping_type"):
            return self.error(path, f"'{'.'.join(path)}' must be a block of `key: value` lines.")
        if kind == "too_short":
            return self.error(path, f"'{'.'.join(path)}' is an empty list.", "Name at least one, or take the line out.")
        sentence = sentence.replace("greater than or equal to", "at least").removesuffix(".")
        return self.error(path, hidden(f"'{'.'.join(path)}' {sentence}."))

    def unknown_key(self, path: Path_, where: str = "") -> ConfigError:
        """A key nobody knows here: mistyped, or of another block."""
        what, keys = block(path[:-1]) or ("this", frozenset())
        key = hidden(path[-1])
        elsewhere = [home for home in homes(key) if home != what]
        hint = did_you_mean(key, keys)
        if elsewhere and not hint.startswith("Did you"):
            hint = f"'{key}' belongs to {' or '.join(elsewhere)}. Here {hint[0].lower()}{hint[1:]}"
        return ConfigError(f"{what} has no key '{key}'.", where=where or self.where(path), hint=hint)


def raise_together(errors: Sequence[ButtermilkError]) -> None:
    """All that is wrong on one screen, so that it is mended in one go. One error keeps its own kind."""
    once = list({str(error): error for error in errors}.values())
    if not once:
        return
    if len(once) == 1:
        raise once[0]
    shown = [f"- {error}".replace("\n", "\n  ") for error in once[:MOST_SHOWN]]
    more = [f"... and {len(once) - MOST_SHOWN} more."] if len(once) > MOST_SHOWN else []
    raise ConfigError("\n".join([f"{len(once)} things are to be mended before anything is asked:", *shown, *more]))
