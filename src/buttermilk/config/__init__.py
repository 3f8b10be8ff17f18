"""YAML -> values: what a study's files and a command line say, checked whole before anything is asked.

study.py        where a study is, what it can name, and how `init` writes one
overrides.py    `steps.judge.repeats=5`: read, quoted, swept
hydra.py        files and overrides -> one configuration (with overrides.py the only files that import Hydra)
schema.py       what may stand in it
places.py       which file and line said so
references.py   secrets are references
resolve.py      names -> values of core
composing.py    all of it, in order
"""

from buttermilk.config.composing import (
    compose,
    compose_agents,
    compose_budget,
    compose_dataset,
    compose_notify,
    compose_store,
    compose_vaults,
)
from buttermilk.config.schema import Composed, RunSpec, StoreSpec
from buttermilk.config.study import find_root, flows, init

__all__ = [
    "Composed",
    "RunSpec",
    "StoreSpec",
    "compose",
    "compose_agents",
    "compose_budget",
    "compose_dataset",
    "compose_notify",
    "compose_store",
    "compose_vaults",
    "find_root",
    "flows",
    "init",
]
