"""Comprehend's toxicity on this machine: what botocore says is read, and answered in the protocol it spoke."""

import json
import struct
from typing import Any

from answering import Asked, http


def cbor(found: Any) -> bytes:
    """RFC 8949, as much of it as an answer needs."""
    if isinstance(found, float):
        return b"\xfb" + struct.pack(">d", found)
    kind = {str: 3, list: 4, dict: 5}[type(found)]
    items = found.encode() if isinstance(found, str) else b""
    head = bytes([kind << 5 | 25]) + struct.pack(">H", len(items) if isinstance(found, str) else len(found))
    if isinstance(found, dict):
        items = b"".join(cbor(name) + cbor(item) for name, item in found.items())
    elif isinstance(found, list):
        items = b"".join(map(cbor, found))
    return head + items


def amazon(found: Any, asked: Asked, status: int = 200) -> bytes:
    if "cbor" not in asked.headers["content-type"]:
        return http(json.dumps(found), status, Content_Type="application/x-amz-json-1.1")
    return http(cbor(found), status, Content_Type="application/cbor", Smithy_Protocol="rpc-v2-cbor")


def complaint(code: str, asked: Asked, status: int = 400) -> bytes:
    return amazon({"__type": f"com.amazonaws.comprehend#{code}", "message": "no"}, asked, status)
