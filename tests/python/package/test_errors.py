"""Bad input: the command's own line, as the right exception."""

from __future__ import annotations

import shutil

import ferrome
import pyarrow
import pytest
from conftest import MODEL

SHORT = ["MKT"]


def embed(sequences=SHORT, model=MODEL, **options):
    return ferrome.protein.embed(sequences, model, **{"device": "cpu", **options})


def cut(folder):
    """A model whose weights were not downloaded to the end."""
    shutil.copytree(MODEL, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    return folder


@pytest.mark.parametrize(
    ("exception", "options", "flags"),
    [
        (ValueError, {"pool": "sum"}, ["--pool", "sum"]),
        (ValueError, {"device": "gpu"}, ["--device", "gpu"]),
        (ValueError, {"dtype": "int8"}, ["--dtype", "int8"]),
        (ValueError, {"layers": 9}, ["--layers", "9"]),
        (ValueError, {"long": "window", "window": 0}, ["--long", "window", "--window", "0"]),
        (ValueError, {"batch_tokens": 0}, ["--batch-tokens", "0"]),
        (ValueError, {"translate": 7}, ["--translate", "7"]),
        (ValueError, {"orfs": True}, ["--orfs"]),
        (FileNotFoundError, {"model": "./nowhere"}, ["-m", "./nowhere"]),
        (FileNotFoundError, {"sequences": "nowhere.fasta"}, ["nowhere.fasta"]),
        (ferrome.DeviceError, {"dtype": "f16"}, ["--dtype", "f16"]),
    ],
)
def test_message_is_the_command_s(exception, options, flags, cli, fasta, tmp_path):
    with pytest.raises(exception) as caught:
        embed(**{"sequences": fasta, **options})
    line = ["protein", "embed", *flags, "-o", tmp_path / "out.npy"]
    line += [] if "sequences" in options else [fasta]
    line += [] if "model" in options else ["-m", MODEL]
    line += [] if "device" in options else ["--device", "cpu"]
    code, said = cli(*line)
    assert code in (1, 2)
    text = " ".join(said.split("\n\n")[0].split())
    assert text == f"error: {caught.value}"
    assert "\n" not in str(caught.value)


def test_model_that_is_in_no_cache():
    with pytest.raises(FileNotFoundError, match="^model `facebook/esm2_no_such` was not found; looked for "):
        embed(model="facebook/esm2_no_such")


def test_damaged_weights(cli, tmp_path):
    folder = cut(tmp_path / "cut")
    for call in (lambda: embed(model=folder), lambda: ferrome.protein.load(folder, device="cpu")):
        with pytest.raises(ferrome.WeightsError, match=f"^{folder}/model.safetensors: "):
            call()
    assert issubclass(ferrome.WeightsError, ValueError)
    assert ferrome.WeightsError.__module__ == "ferrome"


def test_cuda_without_a_gpu():
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ferrome.DeviceError, match="^no CUDA device can be used: "):
        embed(device="cuda")


@pytest.mark.parametrize(
    ("given", "exception", "message"),
    [
        (["MKT", 7], TypeError, "sequences: item 1: expected a string, found int"),
        ([b"MKT"], TypeError, "sequences: item 0: expected a string, found bytes"),
        (7, TypeError, "'int' object is not iterable"),
        ([["MKT"]], TypeError, "sequences: item 0: expected a string, found list"),
        (pyarrow.table({"seq": ["MKT"], "n": [1]}), ValueError, "the table has no column `sequence`; it has `seq`, `n`"),
        (pyarrow.table({"sequence": [1.5]}), TypeError, "column `sequence`: expected strings, found Float64"),
        (pyarrow.table({"sequence": [3]}), TypeError, "column `sequence`: expected strings, found Int64"),
        (pyarrow.array([1, 2]), TypeError, "column `sequences`: expected strings, found Int64"),
    ],
)
def test_what_is_no_sequence_is_named(given, exception, message):
    with pytest.raises(exception) as caught:
        embed(given)
    assert str(caught.value) == message


def test_paths_as_strings_in_a_list_are_not_taken_for_sequences():
    with pytest.raises(ValueError, match="item 0 is called `a.fasta`: expected a sequence"):
        embed(["a.fasta", "b.fasta"])


def test_unknown_option_is_a_type_error():
    with pytest.raises(TypeError, match="pol"):
        embed(pol="mean")


def test_folder_of_output_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="there is no folder"):
        embed(output=tmp_path / "no/out.npy")


def test_output_of_another_run(tmp_path, fasta):
    embed(fasta, output=tmp_path / "parts/")
    with pytest.raises(ValueError, match="an earlier run into this output differs: pool was `mean`, now `max`"):
        embed(fasta, output=tmp_path / "parts/", pool="max")
