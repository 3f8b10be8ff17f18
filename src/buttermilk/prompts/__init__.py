"""Prompts: loaded and split into roles, checked before any call, rendered strictly.

`load_prompt`, `load_perspective` and `load_codebook` read a study's files; `check_prompt` says what a template asks for
that its step does not give; `render` turns a prompt and a job into messages, and is pure.
"""

from buttermilk.prompts.checking import check_prompt
from buttermilk.prompts.codebooks import load_codebook, load_perspective
from buttermilk.prompts.loading import load_prompt
from buttermilk.prompts.rendering import render

__all__ = ["check_prompt", "load_codebook", "load_perspective", "load_prompt", "render"]
