"""Writers of weight files in every format, for make_goldens and the full-size comparison: what PyTorch itself
writes, and by hand what it no longer writes (2017's legacy files, Python 2's dialect, Caffe)."""
import collections
import json
import pickle
import struct

import numpy as np
import torch

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {np.dtype("<f4"): "F32", np.dtype("<f2"): "F16", np.dtype("<f8"): "F64", np.dtype("<i8"): "I64"}
STORAGES = {np.dtype("<f4"): "FloatStorage", np.dtype("<f2"): "HalfStorage", np.dtype("<f8"): "DoubleStorage",
            np.dtype("<i8"): "LongStorage"}


def to_torch(tensors):
    return collections.OrderedDict((k, torch.from_numpy(v.copy())) for k, v in tensors.items())


def torch_zip(path, tensors, wrap=lambda d: d):
    torch.save(wrap(to_torch(tensors)), path)


def torch_legacy_v2(path, tensors, wrap=lambda d: d):
    """Legacy layout as later versions write it: _rebuild_tensor_v2."""
    torch.save(wrap(to_torch(tensors)), path, _use_new_zipfile_serialization=False)


class Assembler:
    """Pickle opcodes by hand, protocol 2. python2: byte strings, and OrderedDict out of one list of lists."""

    def __init__(self, python2=False):
        self.out = bytearray(b"\x80\x02")
        self.python2 = python2
        self.memo = 1 if python2 else 0

    def op(self, data):
        self.out += data

    def put(self):
        self.out += b"q" + bytes([self.memo]) if self.memo < 256 else b"r" + struct.pack("<I", self.memo)
        self.memo += 1

    def text(self, s):
        b = s.encode()
        self.out += b"U" + bytes([len(b)]) + b if self.python2 else b"X" + struct.pack("<I", len(b)) + b
        self.put()

    def glob(self, module, name):
        self.out += b"c" + module.encode() + b"\n" + name.encode() + b"\n"
        self.put()

    def number(self, n):
        if n < 256:
            self.out += b"K" + bytes([n])
        elif n < 65536:
            self.out += b"M" + struct.pack("<H", n)
        else:
            self.out += b"J" + struct.pack("<i", n)

    def tuple(self, numbers):
        if len(numbers) > 3:
            self.out += b"("
        for n in numbers:
            self.number(n)
        self.out += {0: b")", 1: b"\x85", 2: b"\x86", 3: b"\x87"}.get(len(numbers), b"t")
        self.put()

    def tensor(self, array, key, parameter=False):
        """_rebuild_tensor((storage), 0, size, stride), and _rebuild_parameter(that, True, OrderedDict())."""
        if parameter:
            self.glob("torch._utils", "_rebuild_parameter")
        self.glob("torch._utils", "_rebuild_tensor")
        self.op(b"((")
        self.text("storage")
        self.glob("torch", STORAGES[array.dtype])
        self.text(key)
        self.text("cpu")
        self.number(array.size)
        self.op(b"Nt")
        self.put()
        self.op(b"QK\0")
        self.tuple(array.shape)
        strides = [1] * array.ndim
        for i in range(array.ndim - 2, -1, -1):
            strides[i] = strides[i + 1] * array.shape[i + 1]
        self.tuple(strides)
        self.op(b"t")
        self.put()
        self.op(b"R")
        self.put()
        if parameter:
            self.op(b"\x88")
            self.glob("collections", "OrderedDict")
            self.op(b")R")
            self.op(b"\x87R")


def torch_legacy_v1(path, tensors, python2=False, parameter=False):
    """The layout of 2017 with _rebuild_tensor, which no PyTorch of today writes."""
    keys = {name: str(93824992236880 + 7919 * i * (-1) ** i) for i, name in enumerate(tensors)}
    a = Assembler(python2)
    a.glob("collections", "OrderedDict")
    if python2:
        a.op(b"]")
        a.put()
        a.op(b"(")
        for name, array in tensors.items():
            a.op(b"]")
            a.put()
            a.op(b"(")
            a.text(name)
            a.tensor(array, keys[name], parameter)
            a.op(b"e")
        a.op(b"e\x85")
        a.put()
        a.op(b"R")
    else:
        a.op(b")R")
        a.put()
        a.op(b"(")
        for name, array in tensors.items():
            a.text(name)
            a.tensor(array, keys[name], parameter)
        a.op(b"u}")
        a.text("_metadata")
        a.glob("collections", "OrderedDict")
        a.op(b")Rsb")
    a.op(b".")
    system = dict(protocol_version=1001, little_endian=True, type_sizes=dict(short=2, int=4, long=4))
    with open(path, "wb") as f:
        pickle.dump(MAGIC, f, protocol=2)
        pickle.dump(1001, f, protocol=2)
        pickle.dump(system, f, protocol=2)
        f.write(a.out)
        order = sorted(keys.items(), key=lambda item: item[1])
        pickle.dump([key for _, key in order], f, protocol=2)
        for name, _ in order:
            f.write(struct.pack("<q", tensors[name].size))
            f.write(tensors[name].tobytes())


def safetensors(path, tensors, metadata=None, bf16=()):
    """`bf16`: names whose arrays hold uint16 bit patterns."""
    header, at = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, array in tensors.items():
        dtype = "BF16" if name in bf16 else DTYPES[array.dtype]
        header[name] = dict(dtype=dtype, shape=list(array.shape), data_offsets=[at, at + array.nbytes])
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            f.write(array.tobytes())


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def field(number, data):
    if isinstance(data, int):
        return varint(number << 3) + varint(data)
    return varint(number << 3 | 2) + varint(len(data)) + data


def blob(array, legacy, packed=True, double=False):
    number, code = (8, "<f8") if double else (5, "<f4")
    raw = array.astype(code).tobytes()
    if packed:
        data = varint(number << 3 | 2) + varint(len(raw)) + raw
    else:
        size = 8 if double else 4
        tag = varint(number << 3 | (1 if double else 5))
        data = b"".join(tag + raw[i:i + size] for i in range(0, len(raw), size))
    if legacy:
        sides = [1] * (4 - array.ndim) + list(array.shape)
        return b"".join(field(i + 1, n) for i, n in enumerate(sides)) + data
    return data + field(7, field(1, b"".join(varint(n) for n in array.shape)))


def caffe(path, layers, version, packed=True, double=False):
    """`layers`: (name, "conv" | "fc" | "relu", [arrays])."""
    v1 = {"conv": 4, "fc": 14, "relu": 18}
    v2 = {"conv": b"Convolution", "fc": b"InnerProduct", "relu": b"ReLU"}
    with open(path, "wb") as f:
        f.write(field(1, b"VGG_ILSVRC_toy"))
        bottom = b"data"
        for name, kind, arrays in layers:
            top = name.encode()
            ends = field(2 if version == 1 else 3, bottom) + field(3 if version == 1 else 4, top)
            blobs = [blob(a, version == 1, packed, double) for a in arrays]
            if version == 1:
                body = ends + field(4, top) + field(5, v1[kind]) + b"".join(field(6, b) for b in blobs)
                f.write(field(2, body))
            else:
                body = field(1, top) + field(2, v2[kind]) + ends + b"".join(field(7, b) for b in blobs)
                f.write(field(100, body))
            bottom = top
