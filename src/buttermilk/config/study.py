"""Where a study is, what it can name, and how a new one is written."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from buttermilk.config.schema import listed
from buttermilk.core.errors import ConfigError, MissingExtra
from buttermilk.documents import load_yaml
from buttermilk.plugins import find

PACKAGED = Path(__file__).resolve().parent.parent
LIBRARY = PACKAGED / "library"

_NEW = (
    ("library/study", ""),
    ("library/demo/data", "data"),
    ("conf/dataset", "conf/dataset"),
    ("conf/agent", "conf/agent"),
)
"""What a new study is made of: packaged folder -> folder of the study. Of the library it gets what its flow names."""
_FLOW = LIBRARY / "demo" / "verse.yaml"
_OF_THE_DEMO = frozenset({"demo.yaml", "careful.yaml", "hasty.yaml"})
_NAMES = {"prompt": ("prompts", ".md"), "perspectives": ("criteria", ".md"), "codebook": ("codebooks", ".yaml")}
"""Key of a step -> the library's room that its names are in, and how their files end."""


def find_root(start: Path) -> Path:
    """The nearest folder upward that is a study: it has a `conf/` with flows or a `config.yaml` in it."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / "conf" / "flow").is_dir() or (folder / "conf" / "config.yaml").is_file():
            return folder
    raise ConfigError(f"there is no study in {start} or above it.", hint="Type: buttermilk init mystudy")


def conf_folders(root: Path) -> tuple[Path, Path]:
    """The study's own configuration, and the packaged one behind it."""
    return root / "conf", PACKAGED / "conf"


def conf_file(root: Path, name: str) -> Path | None:
    """`agent/gpt` -> the study's file of that name, or the packaged one."""
    return next((file for folder in conf_folders(root) if (file := folder / f"{name}.yaml").is_file()), None)


def options(root: Path, group: str) -> list[str]:
    """What there is of a group, the study's own and the packaged: `options(root, "agent")` -> `["gpt", "vader"]`."""
    return sorted({file.stem for folder in conf_folders(root) for file in folder.glob(f"{group}/*.yaml")})


def flows(root: Path) -> list[str]:
    """The names a `buttermilk run NAME` can take."""
    return options(root, "flow")


def own_flows(root: Path) -> list[str]:
    """Those that the study itself has a file for."""
    return sorted(file.stem for file in root.glob("conf/flow/*.yaml"))


def folders(root: Path, kind: str) -> list[Path]:
    """Where prompts, criteria or codebooks are looked for: the study's come first."""
    return [root / kind, LIBRARY / kind]


def called(root: Path, file: Path) -> str:
    """How messages name a file: `conf/flow/news.yaml`, or `(packaged) conf/flow/demo.yaml`."""
    if file.is_relative_to(PACKAGED):
        return f"(packaged) {file.relative_to(PACKAGED).as_posix()}"
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)


def _pieces(flow: str) -> Iterator[tuple[Path, str]]:
    for folder, into in _NEW:
        for file in sorted((PACKAGED / folder).rglob("*")):
            if file.is_file() and file.suffix != ".pyc" and file.name not in _OF_THE_DEMO:
                name = file.relative_to(PACKAGED / folder).as_posix()
                # A packaged file that began with a dot would be left out by some of the tools that build packages.
                yield file, f"{into}/{name}".lstrip("/") if name != "gitignore" else ".gitignore"
    for name in _named():
        yield LIBRARY / name, name
    yield _FLOW, f"conf/flow/{flow}.yaml"


def _named() -> list[str]:
    """What of the library the new flow names: `["codebooks/sentiment.yaml", "prompts/judge.md", ...]`."""
    steps = load_yaml(_FLOW.read_text(encoding="utf-8"), _FLOW.name)[0]["steps"].values()
    names = [(key, name) for step in steps for key in _NAMES if key in step for name in listed(step[key])]
    return sorted({f"{_NAMES[key][0]}/{name}{_NAMES[key][1]}" for key, name in names})


def _without_what_is_missing(flow: Path) -> None:
    """A new study runs at once: a tool whose optional library is not installed is left out, and the file says so."""
    try:
        find("tools", "vader")
    except MissingExtra as missing:
        text = flow.read_text(encoding="utf-8").replace("agents: [vader, ", "agents: [")
        note = f"# The tool vader can join the agents once its library is there. {missing.hint}\n"
        flow.write_text(note + text, encoding="utf-8")


def init(target: Path, *, flow: str = "verse") -> list[Path]:
    """Write a study that runs at once, and return its files. Nothing is written where anything would be overwritten."""
    pieces = [(source, target / name) for source, name in _pieces(flow)]
    taken = [path for _, path in pieces if path.exists()]
    if taken:
        shown = ", ".join(path.relative_to(target).as_posix() for path in taken[:5])
        more = f" and {len(taken) - 5} more" if len(taken) > 5 else ""
        raise ConfigError(
            f"{target} already holds {shown}{more}; nothing was written.", hint="Give a new study a folder of its own."
        )
    made: list[Path] = []
    try:
        for source, path in pieces:
            made += [folder for folder in reversed((path, *path.parents)) if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
        _without_what_is_missing(target / "conf" / "flow" / f"{flow}.yaml")
    except OSError as error:
        for path in reversed(made):
            if path.is_file():
                path.unlink()
            elif path.is_dir():
                path.rmdir()
        raise ConfigError(
            f"{target} cannot be written: {error.strerror}; nothing was.", hint="Choose a folder that is yours."
        ) from error
    return [path for _, path in pieces]
