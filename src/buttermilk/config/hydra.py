"""Files and overrides -> one configuration, through Hydra's Compose API; its errors said so that they can be acted on.

The study's file of a name wins over the packaged one. Files are read by `documents.load_yaml`, so that `yes`, `12:30`
and `1.10` mean here what they mean in a codebook, and a slip has a line.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, cast

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf
from omegaconf.errors import GrammarParseError, OmegaConfBaseException

from buttermilk.config.places import Places
from buttermilk.config.references import hidden
from buttermilk.config.schema import block, declared
from buttermilk.config.study import PACKAGED, called, conf_folders, options
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.documents import load_yaml, read_text

_ONE_AT_A_TIME = Lock()  # Hydra keeps one open configuration per process
ROOT = "buttermilk"
# What Hydra brings along for programs it runs itself: to leave it out halves the time.
_UNUSED = tuple(
    f"~hydra/{name}" for name in ("help", "hydra_help", "hydra_logging", "job_logging", "launcher", "sweeper", "output")
)


@lru_cache(maxsize=256)
def _read(text: str, label: str) -> tuple[Any, dict[str, int]]:
    """A file is composed several times, and parsed once."""
    return load_yaml(text, label)


class StudyFiles(ConfigSource):
    """One folder of YAML files, as Hydra sees it."""

    @staticmethod
    def scheme() -> str:
        return "study"

    def _file(self, config_path: str) -> Path:
        return Path(self.path) / self._normalize_file_name(config_path)

    def load_config(self, config_path: str) -> ConfigResult:
        file = self._file(config_path)
        label = called(Path(self.path).parent, file)
        text = read_text(file)
        data, lines = _read(text, label)
        if data is not None and not isinstance(data, dict):
            raise ConfigError("this file holds no `key: value` lines.", where=f"{label}:1")
        try:
            config = OmegaConf.create(data or {})
        except GrammarParseError as error:
            key = str(error.full_key)
            said = f"'{key}' refers to something in a way that cannot be read."
            hint = 'Inside ${…}, quote text that has signs in it: ${oc.env:HOME,"~/texts"}.'
            raise ConfigError(said, where=f"{label}:{lines.get(key, 1)}", hint=hint) from error
        header = self._get_header_dict(text[:512])
        return ConfigResult(provider=self.provider, path=self.full_path(), config=config, header=header)

    def available(self) -> bool:
        return Path(self.path).is_dir()

    def is_group(self, config_path: str) -> bool:
        return (Path(self.path) / config_path).is_dir()

    def is_config(self, config_path: str) -> bool:
        return self._file(config_path).is_file()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        files: list[str] = []
        for file in sorted((Path(self.path) / config_path).iterdir()):
            self._list_add_result(files, f"{config_path}/{file.name}", file.name, results_filter)
        return sorted(set(files))


class StudyFirst(SearchPathPlugin):
    """Puts the folders of the study that is being read before all others; at any other time it does nothing."""

    folders: ClassVar[Sequence[Path]] = ()

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in reversed(self.folders):
            search_path.prepend(provider="buttermilk", path=f"{StudyFiles.scheme()}://{folder}")


Plugins.instance().register(StudyFiles)
Plugins.instance().register(StudyFirst)


def composed(root: Path, lines: Sequence[str], places: Places) -> dict[str, Any]:
    """The whole configuration as plain data, with every `${…}` replaced."""
    with _ONE_AT_A_TIME:
        ours = GlobalHydra.instance()
        someone_elses, ours.hydra = ours.hydra, None  # a notebook may have one open
        StudyFirst.folders = [folder for folder in conf_folders(root) if folder.is_dir()]
        try:
            with initialize_config_dir(str(PACKAGED / "conf"), version_base="1.3"):
                config = hydra_compose(ROOT, [*_UNUSED, *lines])
            return cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            raise said_plainly(error, root, places) from error
        finally:
            StudyFirst.folders = ()
            GlobalHydra.instance().hydra = someone_elses


def said_plainly(error: Exception, root: Path, places: Places) -> ConfigError:
    """Hydra's error as a scholar can use it. Its own text is often empty, and the reason in its cause."""
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, OmegaConfBaseException):
        if found := re.match(r"Could not override '([^']+)'", str(error)):
            return _no_such_key(found[1], cause, places)
        return _cannot_be_read(cause, places)
    text = str(error)
    if found := re.search(r"Could not (?:find|load) '([^'/]+)/([^']+)'", text):
        hint = did_you_mean(found[2].rpartition("/")[2], options(root, found[1]))
        return ConfigError(f"there is no {found[1]} '{hidden(found[2])}'.", where=_who_asked(text), hint=hint)
    if found := re.match(r"Invalid defaults list in '([^']+)'", text):
        where = f"conf/{found[1]}.yaml"
        return ConfigError("'defaults' must be a list.", where=where, hint="For example: defaults: [verse, _self_]")
    if found := re.search(r"Could not delete from config\. '([^']+)' does not exist", text):
        return ConfigError(f"there is no '{found[1]}' to take out (~{found[1]}).")
    return ConfigError(
        f"the configuration cannot be put together: {hidden(text.splitlines()[0] if text else repr(cause))}"
    )


def _who_asked(text: str) -> str:
    """`In 'flow/news': Could not find ...`: which file named it, where that was not the command line."""
    found = re.match(r"In '([^']+)'", text)
    return f"conf/{found[1]}.yaml" if found and found[1] != ROOT else ""


def _no_such_key(key: str, cause: OmegaConfBaseException, places: Places) -> ConfigError:
    """A key that neither the files nor the house know: with what is there instead, and what it holds."""
    where = places.where(tuple(key.split(".")))
    if cause.key is None:
        return ConfigError(f"'{key}' cannot be set.", where=where)
    path = tuple(str(cause.full_key).split("."))
    if block(path[:-1]) and not declared(path):
        return places.unknown_key(path, where)
    known = _known(cause.parent_node)
    near = did_you_mean(path[-1], known).partition(" There are")[0]
    values = ", ".join(f"{name}: {value}" for name, value in list(known.items())[:8])
    hints = [near] if near.startswith("Did you") else []
    hints += [f"There are: {values}." if values else "There is nothing there yet."]
    hints += [f"For a new one write +{places.said.get(key, key)}"]
    return ConfigError(f"there is no '{'.'.join(path)}' to change.", where=where, hint=hidden(" ".join(hints)))


def _known(node: Any) -> dict[str, Any]:
    """Keys with their values, shortened: `{"temperature": 0.7}`."""
    if not isinstance(node, Mapping):
        return {}
    plain = OmegaConf.to_container(cast(Any, node), resolve=False)
    shown = plain.items() if isinstance(plain, dict) else ()
    return {str(key): value if not isinstance(value, dict | list) else "…" for key, value in shown}


def _cannot_be_read(error: OmegaConfBaseException, places: Places) -> ConfigError:
    key = str(error.full_key or "")
    reason = hidden(str(error).splitlines()[0])
    where = places.where(tuple(key.split("."))) if key else ""
    if found := re.search(r"Environment variable '([^']+)' not found", reason):
        said = f"'{key}' asks for the environment variable {found[1]}, which is not set."
        hint = f'Set it, or give a value to fall back on: ${{oc.env:{found[1]},"~/texts"}}'
        return ConfigError(said, where=where, hint=hint)
    if found := re.search(r"Interpolation key '([^']+)' not found", reason):
        return ConfigError(
            f"'{key}' refers to '{found[1]}', which nobody says.", where=where, hint="Mind the spelling inside ${…}."
        )
    return ConfigError(f"'{key}' cannot be read: {reason}", where=where)
