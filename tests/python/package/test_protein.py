"""`ferrome.protein.embed`: the command's numbers, in the shapes that Python users want."""

from __future__ import annotations

import threading

import ferrome
import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest
from conftest import MODEL, ROOT
from safetensors.numpy import load_file

GOLDEN = ROOT / "tests/golden"


def embed(sequences, **options):
    return ferrome.protein.embed(sequences, model=MODEL, device="cpu", progress=False, **options)


def numbers(table: pyarrow.Table) -> np.ndarray:
    return np.array(table["embedding"].to_pylist(), dtype=np.float32)


# -------------------------------------------------------------------------------------------------- what comes out


def test_list_of_sequences_gives_the_golden_means_in_order():
    rows = [line.split("\t") for line in (GOLDEN / "sequences.tsv").read_text().splitlines()]
    vectors = ferrome.protein.embed(
        [text for _, _, text in rows], model=GOLDEN / "esm2_hf", pool="mean", device="cpu", dtype="f32"
    )
    golden = load_file(GOLDEN / "esm2_hf/golden.safetensors")
    assert vectors.dtype == np.float32 and vectors.shape == (len(rows), 40)
    for i in range(len(rows)):
        np.testing.assert_allclose(vectors[i], golden[f"mean.3.{i}"], atol=2e-5)


def test_array_is_bit_for_bit_what_the_command_writes(cli, sequences, fasta, tmp_path):
    code, said = cli("protein", "embed", fasta, "-m", MODEL, "--device", "cpu", "-o", tmp_path / "cli.npy")
    assert code == 0, said
    assert np.array_equal(embed(sequences), np.load(tmp_path / "cli.npy"))


def test_fasta_gives_the_table_that_the_command_writes(cli, fasta, tmp_path):
    assert cli("protein", "embed", fasta, "-m", MODEL, "--device", "cpu", "-o", tmp_path / "cli.parquet")[0] == 0
    written = pyarrow.parquet.read_table(tmp_path / "cli.parquet")
    for path in (fasta, str(fasta), [fasta]):
        table = embed(path)
        assert table.column_names == ["id", "length", "embedding", "error"]
        assert table.equals(written)
    assert table.schema.metadata[b"ferrome.pool"] == b"mean"


def test_cls_and_max_pooling_differ_from_the_mean(sequences):
    pooled = [embed(sequences[:4], pool=pool) for pool in ("mean", "max", "cls")]
    assert all(each.shape == (4, 192) for each in pooled)
    assert not np.allclose(pooled[0], pooled[1]) and not np.allclose(pooled[0], pooled[2])


def test_one_vector_per_residue_is_a_table(sequences):
    table = embed(sequences[:3], pool="residue")
    assert [len(residues) for residues in table["embedding"].to_pylist()] == [len(s) for s in sequences[:3]]
    mean = np.array([np.mean(residues, axis=0) for residues in table["embedding"].to_pylist()])
    np.testing.assert_allclose(mean, embed(sequences[:3]), atol=1e-5)


def test_several_layers_and_logits_are_columns(sequences):
    table = embed(sequences[:2], layers=[0, -1], logits=True)
    assert table.column_names == ["id", "length", "embedding_0", "embedding_6", "logits", "error"]
    assert len(table["logits"][0].as_py()[0]) == 33


def test_no_sequences_give_no_rows():
    assert embed([]).shape == (0, 192)
    assert embed([], pool="residue").num_rows == 0


def test_output_is_written_as_the_command_writes_it(cli, sequences, fasta, tmp_path):
    assert embed(fasta, output=tmp_path / "py.npy") == tmp_path / "py.npy"
    cli("protein", "embed", fasta, "-m", MODEL, "--device", "cpu", "-o", tmp_path / "cli.npy")
    assert (tmp_path / "py.npy").read_bytes() == (tmp_path / "cli.npy").read_bytes()
    with pytest.raises(FileExistsError, match="exists already"):
        embed(fasta, output=tmp_path / "py.npy")
    embed(sequences, output=tmp_path / "py.npy", overwrite=True)
    assert (tmp_path / "py.npy").read_bytes() == (tmp_path / "cli.npy").read_bytes()


# ---------------------------------------------------------------------------------------------------- what goes in


@pytest.mark.parametrize(
    "table",
    [pyarrow.table, polars.DataFrame, pandas.DataFrame, lambda d: pyarrow.record_batch(d)],
    ids=["pyarrow", "polars", "pandas", "record batch"],
)
def test_table_of_any_library(table, sequences):
    ids = [f"x{i}" for i in range(len(sequences))]
    made = embed(table({"id": ids, "sequence": sequences, "other": range(len(sequences))}))
    assert made["id"].to_pylist() == ids
    assert np.array_equal(numbers(made), embed(sequences))
    assert np.array_equal(polars.DataFrame(made)["embedding"].to_numpy(), embed(sequences))


def test_table_with_columns_of_other_names(sequences):
    table = polars.DataFrame({"Entry": [7] * len(sequences), "Sequence": sequences})
    made = embed(table, sequence_column="Sequence", id_column="Entry")
    assert set(made["id"].to_pylist()) == {"7"}
    assert embed(table.drop("Entry"), sequence_column="Sequence")["id"][2].as_py() == "2"


@pytest.mark.parametrize(
    "column",
    [pyarrow.array, lambda s: pyarrow.chunked_array([s[:9], s[9:]]), polars.Series, pandas.Series, np.array, tuple, iter],
    ids=["array", "chunked array", "polars", "pandas", "numpy", "tuple", "iterator"],
)
def test_column_of_any_library_is_a_list(column, sequences):
    assert np.array_equal(embed(column(sequences)), embed(sequences))


def test_dictionary_and_large_strings_are_strings(sequences):
    expected = embed(sequences)
    for kind in (pyarrow.large_string(), pyarrow.string_view(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())):
        column = pyarrow.array(sequences).cast(kind)
        assert np.array_equal(numbers(embed(pyarrow.table({"sequence": column}))), expected), kind


def test_blanks_stop_and_lower_case_are_cleaned_as_in_a_file():
    vectors = embed(["MKTAYI", "mkt\nayi*", " MKT AYI\r\n"])
    assert np.array_equal(vectors[0], vectors[1]) and np.array_equal(vectors[0], vectors[2])


# ------------------------------------------------------------------------------------------- what cannot be computed


def test_sequence_that_is_refused_has_no_vector_and_is_warned_of():
    reason = "`J` at residue 3 is not an amino-acid letter of ESM"
    with pytest.warns(UserWarning, match=f"2 of 3 sequences have no vector .NaN., the first is item 1: {reason}"):
        vectors = embed(["MKT", "MKJ", ""])
    assert np.isnan(vectors[1:]).all() and np.isfinite(vectors[0]).all()
    table = embed(pyarrow.table({"sequence": ["MKT", "MKJ", None]}))
    assert [error and error[:20] for error in table["error"].to_pylist()] == [None, reason[:20], "sequence is empty"]
    assert table["embedding"].null_count == 2


def test_strict_raises_at_the_first_refused_sequence():
    with pytest.raises(ValueError, match=r"^record `1`: `J` at residue 1 .* \(--strict stops"):
        embed(["MKT", "J"], strict=True)


def test_nucleotides_are_warned_of():
    with pytest.warns(UserWarning, match="1 of 1 records look like nucleotides; --translate TABLE"):
        embed(["ATGGCTAGCTAGCTAGCATCGATCAGCTACGACTAGCA"])
    assert embed(["ATGGCTTAA"], translate=1).shape == (1, 192)


# -------------------------------------------------------------------------------------------------- a loaded model


def test_loaded_model_gives_the_same_and_is_usable_again(sequences):
    model = ferrome.protein.load(MODEL, device="cpu")
    assert (model.width, model.layers) == (192, 6)
    expected = embed(sequences)
    assert all(np.array_equal(model.embed(sequences), expected) for _ in range(3))
    assert model.embed(sequences, pool="residue")["embedding"].null_count == 0
    assert "ferrome-esm2-mini" in repr(model)


def test_loaded_model_in_several_threads_at_once(sequences):
    model = ferrome.protein.load(MODEL, device="cpu", threads=1)
    expected = model.embed(sequences)
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(model.embed(sequences))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6 and all(np.array_equal(result, expected) for result in results)


def test_torch_has_as_many_threads_as_before(sequences):
    import torch

    before = torch.__config__.parallel_info()
    embed(sequences)
    assert torch.__config__.parallel_info() == before


def test_memory_does_not_grow_with_the_number_of_calls():
    model = ferrome.protein.load(MODEL, device="cpu")

    def resident() -> int:
        status = open("/proc/self/status").read()
        return int(status.split("VmRSS:")[1].split()[0]) // 1024

    for _ in range(20):
        model.embed(["MKTAYIAKQR"])
    before = resident()
    for _ in range(100):
        model.embed(["MKTAYIAKQR"])
    assert resident() - before < 50, "MB for 100 calls"


# -------------------------------------------------------------------------------------------------------- progress


def test_progress_is_called_at_most_ten_times_a_second(fasta):
    import time

    calls = []
    rows = ["M" + "ACDEFGHIKLMNPQRSTVY"[i % 19] * (200 + i % 97) + "W" * (i // 97) for i in range(800)]
    began = time.monotonic()
    ferrome.protein.embed(rows, MODEL, device="cpu", progress=lambda *call: calls.append(call))
    seconds = time.monotonic() - began
    assert 1 <= len(calls) <= seconds * 10 + 2
    done, total, message = calls[-1]
    assert done == total == sum(len(row) + 2 for row in rows) and message.startswith("800/800 rows, ")


def test_progress_of_repeated_sequences_reaches_the_total(sequences):
    calls = []
    ferrome.protein.embed(sequences * 3, MODEL, device="cpu", progress=lambda *call: calls.append(call))
    done, total, _ = calls[-1]
    assert done == total == 3 * sum(len(sequence) + 2 for sequence in sequences)


def test_what_the_progress_callback_raises_stops_the_run():
    rows = ["M" + "ACDEFGHIKLMNPQRSTVWY"[i % 20] * (200 + i % 97) + "W" * (i // 97) for i in range(2000)]

    def raises(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        ferrome.protein.embed(rows, MODEL, device="cpu", progress=raises)


def test_progress_bar_of_tqdm(sequences, capsys):
    ferrome.protein.embed(sequences, MODEL, device="cpu", progress=True)
    assert "protein embed" in capsys.readouterr().err


# -------------------------------------------------------------------------------------------------------- training


def test_pretrain_from_a_list_and_a_dictionary(tmp_path):
    import random

    dice = random.Random(2)
    proteins = ["".join(dice.choices("LAGVSERTIDPKQNFYMHWC", k=40)) for _ in range(200)]
    config = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "steps": 4, "max_length": 62, "batch_tokens": 256}
    folder = ferrome.protein.pretrain(proteins, config, tmp_path / "model", device="cpu", progress=False)
    assert (folder / "metrics.csv").exists()
    assert ferrome.protein.embed(["MKT"], folder, device="cpu").shape == (1, 16)
    with pytest.raises(ValueError, match="unknown key|hidden"):
        ferrome.protein.pretrain(proteins, {**config, "hiden": 1}, tmp_path / "other", device="cpu")
