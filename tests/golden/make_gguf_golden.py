#!/usr/bin/env python3
"""Writes gguf_blocks.json and small.gguf with the gguf package, the reference for both.

gguf_blocks.json: for each block type some blocks of random bytes and the floats that they stand
for; for the types that are written, floats and the bytes that they become. small.gguf: a file of
every kind of value and a few tensors.

    python3 -m venv venv && venv/bin/pip install gguf==0.19.0 numpy
    venv/bin/python tests/golden/make_gguf_golden.py
"""

import json
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

HERE = pathlib.Path(__file__).parent
READ = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
WRITTEN = ["F16", "BF16", "Q8_0"]
# Where the half-precision scales of a block lie: random ones would be infinite or no numbers.
SCALES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def bits(values):
    """Floats as hexadecimal words: exact, and -0 and 0 differ."""
    return "".join(f"{word:08x}" for word in np.ascontiguousarray(values, np.float32).view(np.uint32).ravel())


def random_blocks(rng, name):
    _, size = gguf.GGML_QUANT_SIZES[Type[name]]
    count = 64 if name in ("F32", "F16", "BF16") else 3
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for place in SCALES.get(name, []):
        scales = rng.normal(0, 0.05, count).astype(np.float16)
        scales[-1] = np.float16(6e-8) * 3  # below the normal numbers
        blocks[:, place:place + 2] = scales.view(np.uint8).reshape(count, 2)
    if name in ("F32", "F16", "BF16"):  # no NaN: their payloads are nobody's business
        values = rng.normal(0, 1, count).astype(np.float32)
        values[:8] = [0, -0.0, 1, -2, 65504, 6e-8, 1e-5, -6.1e-5]
        blocks = gguf.quants.quantize(values.reshape(1, -1), Type[name]).view(np.uint8).reshape(count, size)
    return blocks


def floats_to_write(rng):
    values = rng.normal(0, 0.5, 256).astype(np.float32)
    values[:32] = 0  # a block without a scale
    values[32:40] = [1e-8, -1e-8, 2.98e-8, 2.9802322e-8, 6.0e-8, 8.94e-8, 6.1e-5, -6.0975e-5]
    values[64:96] = np.arange(-16, 16) + 0.5  # ties
    values[96:104] = [1.00048828125, 1.00146484375, 2049, 2051, 1.00390625, 1.01171875, 65504, -65519]
    return values


def value_kinds(writer):
    writer.add_uint8("a.uint8", 200)
    writer.add_int8("a.int8", -100)
    writer.add_uint16("a.uint16", 60000)
    writer.add_int16("a.int16", -30000)
    writer.add_uint32("a.uint32", 4000000000)
    writer.add_int32("a.int32", -2000000000)
    writer.add_uint64("a.uint64", 1 << 40)
    writer.add_int64("a.int64", -(1 << 40))
    writer.add_float32("a.float32", 0.5)
    writer.add_float64("a.float64", 0.1)
    writer.add_bool("a.bool", True)
    writer.add_string("a.text", "läuft")
    writer.add_array("a.numbers", [1, -2, 3])
    writer.add_array("a.reals", [0.25, -1.5])
    writer.add_array("a.texts", ["x", "", "yz"])


def main():
    rng = np.random.default_rng(7)
    golden = {"read": {}, "write": {}}
    for name in READ:
        blocks = random_blocks(rng, name)
        golden["read"][name] = {"blocks": blocks.tobytes().hex(),
                                "floats": bits(gguf.quants.dequantize(blocks, Type[name]))}
    values = floats_to_write(rng)
    for name in WRITTEN:
        given = np.where(np.abs(values) > 60000, 1, values) if name == "Q8_0" else values
        given = given.astype(np.float32)
        written = gguf.quants.quantize(given.reshape(1, -1), Type[name])
        golden["write"][name] = {"floats": bits(given), "blocks": written.tobytes().hex()}
    (HERE / "gguf_blocks.json").write_text(json.dumps(golden, indent=1) + "\n")

    writer = gguf.GGUFWriter(HERE / "small.gguf", "small")
    value_kinds(writer)
    writer.add_tensor("matrix", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_tensor("halves", np.arange(5, dtype=np.float16))
    writer.add_tensor("blocks", gguf.quants.quantize(np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32), Type.Q8_0),
                      raw_dtype=Type.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
