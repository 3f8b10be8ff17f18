"""A llama of 14,000 random numbers behind a server that nobody here wrote: llama.cpp's own, in a process of its own.

    with serving(tmp_path) as url:       # http://127.0.0.1:PORT/v1, in a fifth of a second

Its tokens are letters, so what it says is noise, unless the grammar that the server makes of a schema leads it. What
it has no token for, it reads as unknown.
"""

import random
import struct
import subprocess
import sys
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xllamacpp

NAME = "tiny"
WIDTH, HIDDEN, CONTEXT, ASKED_AT_ONCE, LONGEST = 16, 32, 16_384, 2, 400
LETTERS = ["\n", *map(chr, range(33, 127)), "▁"]  # the last stands for a space
LETTERS += [f'{letter}"' for letter in "abcdefghijklmnopqrstuvwxyz"]  # so that what was begun in quotes comes to an end
TOKENS = ["<unk>", "<s>", "</s>", *LETTERS]
KINDS = [2, 3, 3, *(len(LETTERS) * [1])]  # unknown, control, control, ordinary
TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant: "
ABOUT: dict[str, Any] = {
    "general.architecture": "llama",
    "llama.context_length": CONTEXT,
    "llama.embedding_length": WIDTH,
    "llama.block_count": 1,
    "llama.feed_forward_length": HIDDEN,
    "llama.attention.head_count": 2,
    "llama.attention.layer_norm_rms_epsilon": 1e-5,
    "tokenizer.ggml.model": "t5",
    "tokenizer.ggml.tokens": TOKENS,
    "tokenizer.ggml.scores": [0.0] * len(TOKENS),
    "tokenizer.ggml.token_type": KINDS,
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.chat_template": TEMPLATE,
}
SHAPES = {
    "token_embd": (WIDTH, len(TOKENS)),
    "output_norm": (WIDTH, 1),
    "output": (WIDTH, len(TOKENS)),
    "blk.0.attn_norm": (WIDTH, 1),
    **{f"blk.0.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")},
    "blk.0.ffn_norm": (WIDTH, 1),
    "blk.0.ffn_gate": (WIDTH, HIDDEN),
    "blk.0.ffn_up": (WIDTH, HIDDEN),
    "blk.0.ffn_down": (HIDDEN, WIDTH),
}


@contextmanager
def serving(folder: Path, *, key: str = "") -> Iterator[str]:
    """The address of a server that has the model, and lets in whoever has the key. It ends with this process."""
    command = [sys.executable, __file__, str(written(folder / "tiny.gguf")), key]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdin
        assert child.stdout
        root = child.stdout.readline().strip()
        assert root.startswith("http://127.0.0.1:"), f"the server of the tiny model did not start: {root}"
        try:
            yield f"{root}/v1"
        finally:
            child.kill()


def serve(model: str, key: str) -> None:
    said = xllamacpp.CommonParams()
    said.model.path, said.model_alias, said.n_ctx, said.n_predict = model, {NAME}, ASKED_AT_ONCE * CONTEXT, LONGEST
    said.hostnames, said.port, said.n_parallel, said.cpuparams.n_threads = ["127.0.0.1"], 0, ASKED_AT_ONCE, 1
    said.api_keys = [key] if key else []
    said.verbosity, said.warmup = 0, False
    server = xllamacpp.Server(said)
    print(server.listening_address, flush=True)
    sys.stdin.read()


def written(file: Path) -> Path:
    """GGUF, version 3: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (read 2026-11)."""
    chance, infos, numbers = random.Random(1), b"", array("f")
    for name, (wide, high) in SHAPES.items():
        infos += _text(f"{name}.weight") + struct.pack("<IQQIQ", 2, wide, high, 0, numbers.itemsize * len(numbers))
        numbers.extend(1.0 if high == 1 else chance.gauss(0, 0.5) for _ in range(wide * high))
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(SHAPES), len(ABOUT))
    head += b"".join(_text(name) + _value(value) for name, value in ABOUT.items()) + infos
    file.write_bytes(head + bytes(-len(head) % 32) + numbers.tobytes())
    return file


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Any) -> bytes:
    match value:
        case str():
            return struct.pack("<I", 8) + _text(value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
    kind = {str: 8, int: 5, float: 6}[type(value[0])]  # whole numbers in a list have a sign
    return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(_value(item)[4:] for item in value)


if __name__ == "__main__":
    serve(*sys.argv[1:])
