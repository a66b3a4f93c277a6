#!/usr/bin/env python3
"""Writes the PyTorch files under tests/specimens/weights, on which crates/ferrome-core tests its reader.

Run with the versions of .venv (PyTorch 2.11): `.venv/bin/python scripts/make_weight_specimens.py`.
The expected outcome of each file is in tests/specimens/weights/expected.tsv, which this script does not write.
"""

import argparse
import collections
import os
import pathlib
import pickle
import re
import sys
import types
import typing
import zipfile

import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/specimens/weights"


def tensors():
    """Two tensors in every layout: a 3x4 matrix and a vector of four."""
    return {
        "layers.0.weight": torch.arange(12, dtype=torch.float32).reshape(3, 4) / 8,
        "layers.0.bias": torch.tensor([1.0, -2.0, 3.5, float("inf")]),
    }


def dtypes():
    """One tensor of each dtype, and an empty and a scalar one."""
    names = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()
    values = {name: torch.tensor([0, 1, 1, 0]).to(getattr(torch, name)) for name in names}
    return values | {"empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5)}


def foreign_dtypes():
    """Dtypes that no model computes with, beside one that is read."""
    names = "uint16 uint32 uint64 float8_e4m3fn float8_e5m2 complex64".split()
    values = {name: torch.tensor([0, 1, 1, 0]).to(getattr(torch, name)) for name in names}
    return values | {"float32": torch.tensor([0.0, 1.0])}


def namespace():
    """As fair-esm writes it: arguments beside the model."""
    args = argparse.Namespace(
        arch="roberta_large", layers=33, dropout=0.1, token_dropout=True, seed=None, big=2**70, data=b"\xff\x00"
    )
    return {"args": args, "model": {"encoder.layers.0.weight": torch.ones(2, 2)}, "epoch": 3, "tags": {"a"}}


def fake_omegaconf():
    """The classes of omegaconf 2.3 by name, since it need not be installed to write their pickles."""
    made = {}
    for path in ["dictconfig.DictConfig", "base.ContainerMetadata", "base.Metadata", "nodes.AnyNode"]:
        module, name = path.split(".")
        module = f"omegaconf.{module}"
        sys.modules.setdefault("omegaconf", types.ModuleType("omegaconf"))
        sys.modules.setdefault(module, types.ModuleType(module))
        made[name] = type(name, (), {"__module__": module})
        setattr(sys.modules[module], name, made[name])
    return types.SimpleNamespace(**made)


def omegaconf():
    """A `cfg` of omegaconf, whose nodes refer to their parents."""
    classes = fake_omegaconf()
    config = classes.DictConfig()
    metadata = classes.ContainerMetadata()
    cache = collections.defaultdict(dict)
    metadata.__dict__ = {"ref_type": dict, "key_type": str, "element_type": typing.Any, "resolver_cache": cache}
    node, node_metadata = classes.AnyNode(), classes.Metadata()
    node_metadata.__dict__ = {"ref_type": str, "object_type": None, "key": "encoder_layers"}
    node.__dict__ = {"_metadata": node_metadata, "_parent": config, "_val": 6}
    config.__dict__ = {"_metadata": metadata, "_parent": None, "_content": {"encoder_layers": node}}
    return {"cfg": {"model": config}, "model": tensors()}


def tied():
    """Two names for one parameter, and a row of it."""
    weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    return {"embed.weight": weight, "head.weight": weight, "row": weight.detach()[1]}


def evil(call):
    """A checkpoint that would run a command when Python's `pickle` read it."""

    class Evil:
        def __reduce__(self):
            return call

    return {"weight": torch.ones(1), "payload": Evil()}


def save(name, value, **options):
    torch.save(value, FOLDER / name, **options)
    if options.get("_use_new_zipfile_serialization") is False:
        renumber(FOLDER / name)


def renumber(path):
    """Replaces the storage keys of a legacy file, which are addresses in memory, by numbers of equal length."""
    data = path.read_bytes()
    for number, key in enumerate(sorted(set(re.findall(rb"(?<!\d)\d{12,16}(?=q|\x94)", data)))):
        data = data.replace(key, str(number).encode().rjust(len(key), b"0"))
    path.write_bytes(data)


def repack(name, change):
    """Copies plain.pt, with entries as `change(name, content, info)` gives them."""
    with zipfile.ZipFile(FOLDER / "plain.pt") as source, zipfile.ZipFile(FOLDER / name, "w") as target:
        for info in source.infolist():
            change(target, zipfile.ZipInfo(info.filename), source.read(info))


def big_endian(target, info, content):
    target.writestr(info, b"big" if info.filename.endswith("byteorder") else content)


def deflated(target, info, content):
    target.writestr(info, content, zipfile.ZIP_DEFLATED)


def pickled(name, data):
    """A zip file around a pickle that no Python object gives."""
    with zipfile.ZipFile(FOLDER / name, "w") as target:
        target.writestr(zipfile.ZipInfo("m/data.pkl"), data)


def valid():
    save_file(tensors(), FOLDER / "plain.safetensors", metadata={"format": "pt"})
    save("plain.pt", tensors())
    save("legacy.pt", tensors(), _use_new_zipfile_serialization=False)
    save("protocol4.pt", tensors(), pickle_protocol=4)
    save("protocol5_legacy.pt", tensors(), pickle_protocol=5, _use_new_zipfile_serialization=False)
    matrix = tensors()["layers.0.weight"]
    save("transposed.pt", tensors() | {"layers.0.weight": matrix.t().contiguous().t()})
    save_file(dtypes(), FOLDER / "dtypes.safetensors")
    save_file(foreign_dtypes(), FOLDER / "foreign_dtypes.safetensors")
    save("dtypes.bin", dtypes())
    save("dtypes_legacy.bin", dtypes(), _use_new_zipfile_serialization=False)
    save("namespace.pt", namespace())
    save("omegaconf.pt", omegaconf())
    save("tied.pt", tied())
    save("tied_legacy.pt", tied(), _use_new_zipfile_serialization=False)
    state = torch.nn.LayerNorm(4).state_dict()  # an OrderedDict with the attribute `_metadata`
    save("state_dict.bin", state)


def invalid():
    save("evil_system.pt", evil((os.system, ("echo ran > /tmp/ferrome_was_here",))))
    save("evil_eval.pt", evil((eval, ("1 + 1",))))
    save("evil_legacy.pt", evil((os.system, ("true",))), _use_new_zipfile_serialization=False)
    save("module.pt", torch.nn.Linear(2, 2))
    save("bare_tensor.pt", torch.ones(2))
    save("list.pt", [torch.ones(2)])
    save("complex.pt", {"w": torch.ones(1, dtype=torch.complex64)})
    save("expanded.pt", {"w": torch.ones(1).expand(1000, 1000)})
    (FOLDER / "plain_pickle.bin").write_bytes(pickle.dumps({"a": [1.0, 2.0]}, protocol=4))
    (FOLDER / "truncated.pt").write_bytes((FOLDER / "plain.pt").read_bytes()[:-40])
    save("truncated_legacy.pt", {"w": torch.ones(3)}, _use_new_zipfile_serialization=False)
    (FOLDER / "truncated_legacy.pt").write_bytes((FOLDER / "truncated_legacy.pt").read_bytes()[:-4])
    (FOLDER / "truncated.safetensors").write_bytes((FOLDER / "plain.safetensors").read_bytes()[:-4])
    # what a server says instead of sending a file
    (FOLDER / "page.safetensors").write_bytes(b"\n<!DOCTYPE html>\n<html lang=\"en\">\n<title>Sign in</title>\n")
    (FOLDER / "reply.safetensors").write_bytes(b'{"error":"Repository not found"}')
    (FOLDER / "reply.bin").write_bytes(b"Entry not found")
    torch.jit.script(torch.nn.Linear(1, 1)).save(str(FOLDER / "torchscript.pt"))
    repack("big_endian.pt", big_endian)
    repack("deflated.pt", deflated)
    # lists in lists, and a list that holds its predecessor twice, sixty times over
    pickled("deep.pt", b"\x80\x02}X\x01\x00\x00\x00a" + b"]" * 200 + b"a" * 199 + b"s.")
    doubling = b"".join(b"]q" + bytes([i]) + b"(" + (b"h" + bytes([i - 1])) * 2 + b"e0" for i in range(1, 60))
    pickled("doubling.pt", b"\x80\x02}X\x01\x00\x00\x00a]q\x000" + doubling + b"h\x3bs.")


if __name__ == "__main__":
    torch.manual_seed(0)
    FOLDER.mkdir(parents=True, exist_ok=True)
    valid()
    invalid()
    for path in FOLDER.iterdir():
        path.chmod(0o644)  # save_file makes files that only their owner can read
