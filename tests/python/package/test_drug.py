"""Molecules in memory give what the command line gives for the same molecules in a file."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path

import ferrome
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "weights/ferrome-dta-davis"
SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "C(C", "CCO"]
IDS = ["aspirin", "caffeine", "broken", "ethanol"]
REASON = "position 2: `(` is never closed"
NUMBERS = ["score", "std", "lower", "upper"]


@pytest.fixture
def library(tmp_path) -> Path:
    path = tmp_path / "library.csv"
    path.write_text("id,smiles\n" + "".join(f"{i},{s}\n" for i, s in zip(IDS, SMILES, strict=True)))
    return path


@pytest.fixture
def targets() -> dict[str, str]:
    text = (ROOT / "data/demo/kinases.fasta").read_text()
    records = [record.split("\n", 1) for record in text.split(">")[1:3]]
    return {name.split()[0]: sequence.replace("\n", "") for name, sequence in records}


@pytest.fixture
def fasta(tmp_path, targets) -> Path:
    path = tmp_path / "targets.fasta"
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in targets.items()))
    return path


@pytest.fixture(scope="module")
def model() -> ferrome.drug.Model:
    return ferrome.drug.load(MODEL, device="cpu", threads=1)


def same(one: pa.Table, other: pa.Table, but: tuple[str, ...] = ()) -> None:
    assert one.schema.names == other.schema.names
    for name in one.schema.names:
        found, expected = one[name].to_pylist(), other[name].to_pylist()
        if name in NUMBERS:
            np.testing.assert_allclose(np.array(found, float), np.array(expected, float), atol=1e-5)
        elif name not in but:
            assert found == expected, name


# ------------------------------------------------------------------------------------------------------------ features


def test_features_are_those_of_the_command(library, cli, tmp_path):
    out = tmp_path / "features.parquet"
    code, said = cli("drug", "featurize", library, "-o", out)
    assert code == 0, said
    expected = pq.read_table(out)
    table = pd.DataFrame({"id": IDS, "smiles": SMILES})
    for given in (library, table, pl.DataFrame(table), pa.Table.from_pandas(table)):
        same(ferrome.drug.featurize(given), expected)
    assert expected["error"].to_pylist() == [None, None, REASON, None]


@pytest.mark.parametrize("kind", [list, tuple, iter, pa.array, pl.Series, pd.Series])
def test_list_of_molecules_has_their_numbers_as_ids(kind):
    table = ferrome.drug.featurize(kind(SMILES), what=["canonical", "ecfp4"], standardize="neutralize")
    assert table["id"].to_pylist() == ["1", "2", "3", "4"]
    assert table["error"].to_pylist() == [None, None, REASON, None]
    assert table["ecfp4"].to_pylist()[2] is None


def test_missing_molecule_keeps_its_row():
    table = ferrome.drug.featurize(["C", None], what="canonical")
    assert table["error"].to_pylist() == [None, "the cell of the SMILES is null"]


def test_strict_stops_at_the_first():
    with pytest.raises(ValueError, match="is never closed"):
        ferrome.drug.featurize(SMILES, strict=True)


def test_features_into_a_file(tmp_path):
    out = ferrome.drug.featurize(SMILES, tmp_path / "f.parquet", what="canonical")
    assert pq.read_table(out).num_rows == 4
    with pytest.raises(FileExistsError, match="f.parquet: exists already"):
        ferrome.drug.featurize(SMILES, out, what="canonical")
    ferrome.drug.featurize(SMILES[:2], out, what="canonical", overwrite=True)
    assert pq.read_table(out).num_rows == 2


# -------------------------------------------------------------------------------------------------------------- scores


def test_scores_are_those_of_the_command(library, fasta, targets, cli, tmp_path, model):
    out = tmp_path / "scores.parquet"
    code, said = cli("drug", "score", library, "--targets", fasta, "-m", MODEL, "-o", out, "--device", "cpu", "--threads", 1)
    assert code == 0, said
    expected = pq.read_table(out)
    table = pl.DataFrame({"id": IDS, "smiles": SMILES})
    same(model.score(table, targets), expected)
    same(model.score(library, fasta), expected)
    same(ferrome.drug.score(library, fasta, model=MODEL, device="cpu", threads=1), expected)
    same(model.score(SMILES, targets), expected, but=("drug_id",))
    frame = pd.DataFrame({"target_id": list(targets), "sequence": list(targets.values())})
    same(model.score(table, frame), expected)
    same(model.score(table, list(targets.values())), expected, but=("target_id",))
    assert expected["error"].to_pylist()[4] == REASON and expected["score"].to_pylist()[4] is None


def test_pairs_are_scored_row_by_row(targets, cli, tmp_path, model):
    sequence = next(iter(targets.values()))
    pairs = pd.DataFrame({"smiles": SMILES, "sequence": [sequence] * 3 + ["MK1"], "y": [1, 2, 3, 4]})
    pairs.to_csv(tmp_path / "pairs.csv", index=False)
    out = tmp_path / "scores.parquet"
    code, said = cli("drug", "score", "--pairs", tmp_path / "pairs.csv", "-m", MODEL, "-o", out, "--device", "cpu")
    assert code == 0, said
    found = model.score(pairs=pairs)
    same(found, pq.read_table(out), but=("y",))
    assert found["y"].to_pylist() == [1, 2, 3, 4]
    assert [error is None for error in found["error"].to_pylist()] == [True, True, False, False]


def test_best_of_each_target(targets, model):
    best = model.score(SMILES, targets, top_k=1)
    assert best.num_rows == len(targets)
    table = model.score(SMILES, targets, sort=True)
    scores = [row["score"] for row in table.to_pylist() if row["target_id"] == next(iter(targets)) and row["score"]]
    assert scores == sorted(scores, reverse=True)


def test_fast_tier_and_cascade(targets):
    fast = ferrome.drug.load(MODEL, tier="fast", device="cpu")
    assert fast.path.name == "fast" and repr(fast).startswith("ferrome.drug.Model(")
    assert fast.score(SMILES, targets)["score"].null_count == len(targets)
    both = ferrome.drug.score(SMILES, targets, model=MODEL, cascade=0.5, device="cpu")
    assert both.num_rows == len(SMILES) * len(targets)


def test_threads_use_one_model_at_once(targets, model):
    expected, found = model.score(SMILES, targets), [None] * 3

    def work(i: int) -> None:
        found[i] = model.score(SMILES, targets)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for table in found:
        same(table, expected)


# ------------------------------------------------------------------------------------------------------------ training


def test_model_is_trained_on_a_table_and_measured(tmp_path):
    dice = random.Random(2)
    drugs = ["C" * n + tail for n in range(1, 9) for tail in ("O", "N", "Cl")]
    proteins = ["".join(dice.choices("LAGVSERTIDPKQNFYMHWC", k=60)) for _ in range(6)]
    rows = [(drug, protein, len(drug) / 4 + i / 3) for drug in drugs for i, protein in enumerate(proteins)]
    pairs = pl.DataFrame(rows, schema=["smiles", "sequence", "y"], orient="row")
    small = {"hidden": [16]}
    config = {
        "data": {"pairs": pairs, "drug": "smiles", "protein": "sequence", "value": "y"},
        "model": {"fingerprints": small, "protein_rows": small, "head": {"kind": "mlp", "hidden": [16]}},
        "epochs": 2,
    }
    folder = ferrome.drug.train(config, tmp_path / "model", device="cpu", progress=lambda done, total, message: None)
    assert (folder / "split.json").exists()
    score = ferrome.drug.load(folder, device="cpu").score(["CCO"], proteins[:2])
    assert score["score"].null_count == 0
    report = ferrome.drug.evaluate(config, folder, tmp_path / "report", resamples=10, device="cpu")
    assert "models" in json.loads((report / "metrics.json").read_text()) or (report / "report.html").exists()


# --------------------------------------------------------------------------------------------------------------- wrong


def test_columns_that_are_not_there(targets, cli, tmp_path, model):
    table = pd.DataFrame({"molecule": SMILES})
    table.to_csv(tmp_path / "molecules.csv", index=False)
    _, said = cli("drug", "featurize", tmp_path / "molecules.csv", "-o", tmp_path / "f.parquet")
    line = said.splitlines()[-1].removeprefix("error: ").replace(str(tmp_path / "molecules.csv"), "molecules")
    with pytest.raises(ValueError) as refused:
        ferrome.drug.featurize(table)
    assert str(refused.value) == line and "no column `smiles`" in line
    with pytest.raises(ValueError, match="^targets: no column `sequence`; columns, nearest first: `seq`$"):
        model.score(SMILES, pd.DataFrame({"seq": ["MK"]}))
    assert ferrome.drug.featurize(table, smiles_column="molecule", what="canonical").num_rows == 4


def test_wrong_types_name_what_was_expected(model):
    with pytest.raises(TypeError, match="^molecules: item 1: expected a string, found int$"):
        ferrome.drug.featurize(["C", 7])
    with pytest.raises(TypeError, match="^molecules: expected strings, found int64$"):
        ferrome.drug.featurize(pa.array([1, 2]))
    with pytest.raises(TypeError, match="^molecules: expected a path, a list of strings or a table, found int$"):
        ferrome.drug.featurize(3)
    with pytest.raises(ValueError, match="column `smiles`: expected text, found Boolean"):
        ferrome.drug.featurize(pa.table({"smiles": [True]}))
    with pytest.raises(ValueError, match="^expected molecules and targets, or pairs$"):
        model.score(SMILES)


def test_targets_that_are_no_proteins(model):
    with pytest.raises(ValueError, match="^targets: row 1, `bad`: residue 3 of the target, `1`, is not an amino-acid letter$"):
        model.score(SMILES, {"bad": "MK1"})
    with pytest.raises(ValueError, match="^targets: no targets: expected at least one$"):
        model.score(SMILES, {})
    with pytest.raises(ValueError, match="^molecules: no molecules: expected at least one row$"):
        model.score([], {"a": "MKV"})


def test_files_and_models_that_are_not_there():
    with pytest.raises(FileNotFoundError, match="nowhere.smi"):
        ferrome.drug.featurize("nowhere.smi")
    with pytest.raises((FileNotFoundError, ValueError), match="no-such-model"):
        ferrome.drug.load("no-such-model")
    with pytest.raises(FileNotFoundError, match="nowhere.json"):
        ferrome.drug.train("nowhere.json", "model")
