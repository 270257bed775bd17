"""Safetensors: eight bytes of header length, a JSON header, raw little-endian data."""
import json
import os
import struct

import numpy as np

DTYPES = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4"), "I64": np.dtype("<i8")}


def read(path):
    """({name: float array}, {metadata}) of a file; ValueError when it is not one."""
    with open(path, "rb") as f:
        data = f.read()
    if len(data) < 8 or (size := struct.unpack("<Q", data[:8])[0]) > len(data) - 8:
        raise ValueError("%s: not a safetensors file" % path)
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, about in header.items():
        begin, end = about["data_offsets"]
        raw = data[8 + size + begin:8 + size + end]
        tensors[name] = np.frombuffer(raw, DTYPES[about["dtype"]]).reshape(about["shape"])
    return tensors, metadata


def write(path, tensors, metadata):
    """Writes a file in one go: at `path` stands the old one or the new one, never half of it. Returns its bytes."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    # Wide types first keeps every tensor on its own alignment.
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header, at = {"__metadata__": metadata}, 0
    for name in order:
        a = tensors[name]
        header[name] = {"dtype": names[a.dtype], "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            f.write(np.ascontiguousarray(tensors[name]).tobytes())
    os.replace(path + ".part", path)
    return 8 + len(text) + at
