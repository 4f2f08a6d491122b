"""A reader of the file that W&B writes of a run: protocol buffers in blocks, as LevelDB's log has them."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

BLOCK = 32768
"""Bytes of a block; a record does not cross blocks, its parts do."""

FILE_HEADER = 7

FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
"""Kinds of parts of a record."""


class WandbRun(NamedTuple):
    """A run in a file of W&B.  history: timestep and values of each row.  times: theirs."""

    run: Any
    config: dict[str, Any]
    history: list[tuple[int, dict[str, float]]]
    times: set[float]
    exit_code: int


def read_wandb_run(path: Path) -> WandbRun:
    """Return the run in a `.wandb` file."""
    from wandb.proto import wandb_internal_pb2

    run, history, times, exit_code = None, [], set(), -1
    for content in read_parts(path.read_bytes()):
        record = wandb_internal_pb2.Record.FromString(content)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run = record.run
        elif kind == "history":
            values = {
                "/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.history.item
            }
            times.add(values["_timestamp"])
            history.append((record.history.step.num, {k: v for k, v in values.items() if not k.startswith("_")}))
        elif kind == "exit":
            exit_code = record.exit.exit_code
    assert run is not None
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    return WandbRun(run, config, history, times, exit_code)


def read_parts(content: bytes) -> Iterator[bytes]:
    """Yield the records of a file, each put together from its parts."""
    assert content[:4] == b":W&B"
    position, held = FILE_HEADER, b""
    while position + 7 <= len(content):
        if BLOCK - position % BLOCK < 7:
            position += BLOCK - position % BLOCK
            continue
        checksum, length, kind = struct.unpack_from("<IHB", content, position)
        part = content[position + 7 : position + 7 + length]
        assert len(part) == length
        assert checksum == zlib.crc32(bytes([kind]) + part)
        held += part
        position += 7 + length
        if kind in (FULL, LAST):
            yield held
            held = b""
