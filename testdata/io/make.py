"""Writes the files beside this one with the libraries that define their formats.

    python3 -m venv /some/venv && /some/venv/bin/pip install numpy==2.4.6 safetensors==0.8.0 ml_dtypes
    /some/venv/bin/python make.py

Element i of an array with n elements is i - n // 2 unless said otherwise, in row-major order.
"""
from pathlib import Path

import ml_dtypes
import numpy as np
from numpy.lib import format as npy
from safetensors.numpy import save_file

here = Path(__file__).parent


def count(shape, dtype):
    n = int(np.prod(shape))
    return (np.arange(n) - (0 if np.dtype(dtype).kind in "ub" else n // 2)).astype(dtype).reshape(shape)


for name in ["bool", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]:
    dtype = np.dtype("?" if name == "bool" else name)
    np.save(here / f"{name}.npy", count((2, 3), dtype))
np.save(here / "f4_big_endian.npy", count((2, 3), ">f4"))
np.save(here / "f8_fortran.npy", np.asfortranarray(count((2, 3, 4), "f8")))
np.save(here / "f4_scalar.npy", np.float32(2.5))
np.save(here / "f4_empty.npy", np.zeros((0, 3), "f4"))
np.save(here / "c8.npy", count((2,), "c8"))
np.save(here / "record.npy", np.zeros(2, [("a", "f4"), ("b, ]'", "i4", (2,))]))
for version in [(2, 0), (3, 0)]:
    with open(here / f"f4_version_{version[0]}.npy", "wb") as file:
        npy.write_array(file, count((2, 3), "f4"), version=version)
arrays = {"x": count((3, 4), "f4"), "y": count((3,), "i8"), "deep/name": np.zeros((100, 100), "f8")}
np.savez(here / "stored.npz", **{k: arrays[k] for k in ["x", "y"]})
np.savez_compressed(here / "deflated.npz", **arrays)
tensors = {
    "layer.0.weight": count((2, 3), "f4"),
    "layer.0.bias": count((2,), "f2"),
    "layer.1.weight": count((3, 2), ml_dtypes.bfloat16),
    "layer.1.bias": count((3,), "f8"),
    "steps": np.array(7, "i8"),
    "mask": np.array([True, False, True]),
    "bytes": count((4,), "u1"),
    "shorts": count((4,), "i2"),
    "empty": np.zeros((0, 5), "f4"),
    "eighths": count((4,), ml_dtypes.float8_e4m3fn),
}
save_file(tensors, here / "model.safetensors", metadata={"format": "np"})
