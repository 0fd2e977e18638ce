"""Writes and reads the golden files, in safetensors format, and makes their numbers."""
import json
import struct

import numpy as np

CODES = {"float64": "F64", "float32": "F32", "float16": "F16", "int32": "I32", "uint8": "U8"}
TYPES = {code: np.dtype(name) for name, code in CODES.items()}


def encode(arrays):
    """arrays: name -> numpy array. Wider types first, so that each is aligned; then by name."""
    header, blobs, end = {}, [], 0
    for name in sorted(arrays, key=lambda n: (-arrays[n].dtype.itemsize, n)):
        array = arrays[name]
        blob = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": CODES[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [end, end + len(blob)]}
        blobs.append(blob)
        end += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def decode(raw):
    size = struct.unpack("<Q", raw[:8])[0]
    data = raw[8 + size:]
    arrays = {}
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[begin:end], TYPES[entry["dtype"]].newbyteorder("<"))
        arrays[name] = array.reshape(entry["shape"])
    return arrays


def hash32(x):
    """Wellons' lowbias32 on an array of counters; hash32() of tests/test_reference.c."""
    x = x.astype(np.uint64) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x7FEB352D) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(15)
    x = x * np.uint64(0x846CA68B) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return x


def numbers(shape, seed, low, high):
    """Reproducible float64 numbers on a grid of 4096 steps over [low, high)."""
    count = int(np.prod(shape, dtype=np.int64))
    steps = hash32(np.arange(count) + 1000 * seed + 1) >> np.uint64(20)
    return (low + (high - low) * steps.astype(np.float64) / 4096.0).reshape(shape)
