"""Making a study: `init` writes one, `demo` runs the packaged one."""

from pathlib import Path

from buttermilk.config import init
from buttermilk.core.errors import ConfigError

DEMO = "demo"
JUDGES = "steps.judge.agents"
READERS = "steps.synthesis.agents"

__all__ = ["demo_overrides", "demo_study", "init"]


def demo_study(target: Path) -> Path:
    """The folder of the demo study; written where there is none yet, used again where there is."""
    if not (target / "conf" / "flow").is_dir():
        if target.exists() and any(target.iterdir()):
            raise ConfigError(
                f"{target} is there and is no study.", hint="Name another folder: buttermilk demo --into X"
            )
        init(target)
    return target


def demo_overrides(agents: tuple[str, ...]) -> list[str]:
    """`--agents gpt,http://127.0.0.1:8000/v1` takes the place of the simulated readers; the tools stay."""
    named = [name for given in agents for name in given.split(",") if name]
    if not named:
        return []
    quoted = ",".join(f"'{name}'" if ":" in name else name for name in named)
    first = f"'{named[0]}'" if ":" in named[0] else named[0]
    return [f"{JUDGES}=[vader,wordlist,{quoted}]", f"{READERS}=[{first}]"]
