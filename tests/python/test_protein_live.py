"""`ferrome protein embed` against transformers on real proteins, with a fresh random checkpoint each time.

The seed is printed (and shown by pytest when a test fails); set FERROME_TEST_SEED to use it again.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars
import pyarrow
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet
import pytest
import torch
from transformers import EsmConfig, EsmForMaskedLM, EsmTokenizer

ROOT = Path(__file__).resolve().parents[2]
PROTEOME = ROOT.parent / "shared/data/proteins/ecoli_k12_UP000000625/UP000000625_83333.fasta"
PROTEINS = 50
LAYERS, WIDTH, HEADS = 3, 480, 20  # the 35M shape of ESM-2 with fewer layers
TOLERANCE_F32 = 1e-5
COSINE_BF16 = 0.999
VOCABULARY = [
    "<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>",
]  # fmt: skip


@dataclass(frozen=True)
class Protein:
    """One FASTA record."""

    id: str
    sequence: str


@dataclass(frozen=True)
class Reference:
    """What transformers computes for one protein: hidden states per layer and logits, residues only."""

    hidden: list[np.ndarray]  # each [residues, d]
    logits: np.ndarray  # [residues, 33]


@dataclass(frozen=True)
class Bench:
    """A checkpoint, proteins, and the reference answers for them."""

    folder: Path
    fasta: Path
    proteins: list[Protein]
    references: list[Reference]

    @property
    def ids(self) -> list[str]:
        """The record names in file order."""
        return [protein.id for protein in self.proteins]


# ------------------------------------------------------------------------------------------------------------ inputs


def read_fasta(path: Path) -> list[Protein]:
    """All records of a plain FASTA file; the id is the first word of the header."""
    proteins = []
    for block in path.read_text().split(">")[1:]:
        header, *lines = block.splitlines()
        proteins.append(Protein(header.split()[0], "".join(lines)))
    return proteins


def write_fasta(path: Path, proteins: list[Protein]) -> None:
    """One header line and one sequence line per protein."""
    path.write_text("".join(f">{protein.id}\n{protein.sequence}\n" for protein in proteins))


def require_proteome() -> None:
    """The proteome lies outside the repository: its absence is an error in CI and a skip elsewhere."""
    if PROTEOME.exists():
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{PROTEOME} is missing, and a parity test that cannot run fails in CI")
    pytest.skip(f"{PROTEOME} is missing")


def config(layers: int = LAYERS, width: int = WIDTH, heads: int = HEADS) -> EsmConfig:
    """An ESM-2 configuration as transformers' converter writes it."""
    return EsmConfig(
        vocab_size=33, mask_token_id=32, pad_token_id=1, hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=heads, intermediate_size=4 * width, max_position_embeddings=1026, layer_norm_eps=1e-5,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, emb_layer_norm_before=False, token_dropout=True,
        position_embedding_type="rotary",
    )  # fmt: skip


@torch.no_grad()
def fill_randomly(model: EsmForMaskedLM) -> None:
    """Weights at which nothing is left at 0 or 1, and rotary frequencies that a recomputation does not give."""
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        if "LayerNorm" in name or "layer_norm" in name:
            parameter.copy_((1.0 if name.endswith("weight") else 0.0) + 0.1 * noise)
        elif parameter.dim() == 1:
            parameter.copy_(0.1 * noise)
        else:
            parameter.copy_(noise * (0.05 if "embeddings" in name else 0.7 * parameter.shape[1] ** -0.5))
    inv_freq = model.esm.rotary_embeddings.inv_freq
    inv_freq.copy_((inv_freq * 1.01).half().float())


def write_checkpoint(folder: Path) -> None:
    """A random checkpoint as `save_pretrained` of the installed transformers leaves it."""
    model = EsmForMaskedLM(config())
    fill_randomly(model)
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))


@torch.no_grad()
def reference_answers(folder: Path, proteins: list[Protein]) -> list[Reference]:
    """transformers' answers, one protein at a time, in f64: its own rounding in f32 is half of the tolerance."""
    tokenizer = EsmTokenizer(vocab_file=str(folder / "vocab.txt"))
    model = EsmForMaskedLM.from_pretrained(folder, attn_implementation="sdpa", dtype=torch.float64).eval()
    answers = []
    for protein in proteins:
        out = model(**tokenizer(protein.sequence, return_tensors="pt"), output_hidden_states=True)
        assert out.logits.shape[1] == len(protein.sequence) + 2
        answers.append(Reference([h[0, 1:-1].numpy() for h in out.hidden_states], out.logits[0, 1:-1].numpy()))
    return answers


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """50 random E. coli proteins, a fresh checkpoint and what transformers makes of them."""
    require_proteome()
    seed = int(os.environ.get("FERROME_TEST_SEED", secrets.randbelow(2**31)))
    print(f"FERROME_TEST_SEED={seed}")
    torch.manual_seed(seed)
    folder = tmp_path_factory.mktemp(f"esm2-seed-{seed}")
    everything = read_fasta(PROTEOME)
    picks = np.random.default_rng(seed).choice(len(everything), PROTEINS, replace=False)
    proteins = [everything[i] for i in sorted(picks)]
    write_checkpoint(folder / "model")
    write_fasta(folder / "proteins.fasta", proteins)
    references = reference_answers(folder / "model", proteins)
    return Bench(folder / "model", folder / "proteins.fasta", proteins, references)


# ---------------------------------------------------------------------------------------------------------- the binary


def ferrome(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the binary and demand that it succeeds."""
    binary = Path(os.environ.get("FERROME_BIN", ROOT / "target/release/ferrome"))
    assert binary.exists(), f"{binary} is missing: run `cargo build --release` or set FERROME_BIN"
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stderr}"
    return done


def embed(bench: Bench, out: Path, *options: str) -> Path:
    """`ferrome protein embed` of the bench's proteins."""
    ferrome("protein", "embed", bench.fasta, "-m", bench.folder, "-o", out, "--device", "cpu", *options)
    return out


def matrix(column: pyarrow.ChunkedArray | pyarrow.FixedSizeListArray) -> np.ndarray:
    """A FixedSizeList<f32>[d] column without nulls as `[rows, d]`."""
    array = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
    assert pyarrow.types.is_fixed_size_list(array.type), array.type
    assert array.type.value_type == pyarrow.float32(), array.type
    assert array.null_count == 0
    return array.flatten().to_numpy().reshape(-1, array.type.list_size)


def matrices(column: pyarrow.ChunkedArray) -> list[np.ndarray]:
    """A List<FixedSizeList<f32>[d]> column as one `[residues, d]` per row."""
    return [matrix(row) for chunk in column.chunks for row in (chunk[i].values for i in range(len(chunk)))]


def read_rows(bench: Bench, path: Path) -> pyarrow.Table:
    """The table, once its rows are those of the input, in input order, without an error."""
    table = pyarrow.parquet.read_table(path)
    assert table["id"].to_pylist() == bench.ids
    assert table["length"].to_pylist() == [len(protein.sequence) for protein in bench.proteins]
    assert table["error"].null_count == len(bench.ids)
    return table


def assert_close(got: np.ndarray, expected: np.ndarray, what: str) -> None:
    """At most 1e-5, relative to values above 1."""
    assert got.shape == expected.shape, what
    excess = np.abs(got - expected) / np.maximum(1.0, np.abs(expected))
    assert np.isfinite(got).all() and excess.max() <= TOLERANCE_F32, f"{what}: off by {excess.max():.2e}"


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of two vectors."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


# -------------------------------------------------------------------------------------------------------------- parity


def test_mean_of_several_layers_f32(bench: Bench, tmp_path: Path) -> None:
    """Columns are named by the resolved layer number, and hold the mean over residues."""
    table = read_rows(bench, embed(bench, tmp_path / "out.parquet", "--layers", "-1,1", "--dtype", "f32"))
    assert "embedding" not in table.column_names
    for layer in (LAYERS, 1):
        got = matrix(table[f"embedding_{layer}"])
        for protein, row, reference in zip(bench.proteins, got, bench.references, strict=True):
            assert_close(row, reference.hidden[layer].mean(0), f"{protein.id} layer {layer}")


def test_padded_and_small_batches_agree(bench: Bench, tmp_path: Path) -> None:
    """The vector of a protein does not depend on what shares its batch."""
    for budget in ("1024", "16384"):
        table = read_rows(bench, embed(bench, tmp_path / f"{budget}.parquet", "--batch-tokens", budget))
        for protein, row, reference in zip(bench.proteins, matrix(table["embedding"]), bench.references, strict=True):
            assert_close(row, reference.hidden[-1].mean(0), f"{protein.id} at {budget} tokens")


def test_mean_bf16(bench: Bench, tmp_path: Path) -> None:
    """bf16 keeps the direction of every vector."""
    table = read_rows(bench, embed(bench, tmp_path / "out.parquet", "--dtype", "bf16"))
    cosines = [cosine(row, r.hidden[-1].mean(0)) for row, r in zip(matrix(table["embedding"]), bench.references)]
    print(f"bf16: smallest cosine {min(cosines):.6f}")
    assert min(cosines) >= COSINE_BF16


def test_residues(bench: Bench, tmp_path: Path) -> None:
    """`--pool residue` gives one vector per residue, without `<cls>` and `<eos>`."""
    table = read_rows(bench, embed(bench, tmp_path / "out.parquet", "--pool", "residue", "--dtype", "f32"))
    rows = matrices(table["embedding"])
    for protein, got, reference in zip(bench.proteins, rows, bench.references, strict=True):
        assert_close(got, reference.hidden[-1], protein.id)


def test_logits(bench: Bench, tmp_path: Path) -> None:
    """`--logits` gives 33 logits per residue."""
    table = read_rows(bench, embed(bench, tmp_path / "out.parquet", "--logits", "--dtype", "f32"))
    for protein, got, reference in zip(bench.proteins, matrices(table["logits"]), bench.references, strict=True):
        assert_close(got, reference.logits, protein.id)


# ------------------------------------------------------------------------------------------------------------- outputs


def expected_means(bench: Bench) -> np.ndarray:
    """The last layer's mean vectors, `[rows, d]`."""
    return np.stack([reference.hidden[-1].mean(0) for reference in bench.references])


def test_parquet_opens_in_polars(bench: Bench, tmp_path: Path) -> None:
    """polars sees ids, and an array of f32 of the model's width."""
    frame = polars.read_parquet(embed(bench, tmp_path / "out.parquet"))
    assert frame["id"].to_list() == bench.ids
    assert frame.schema["embedding"] == polars.Array(polars.Float32, WIDTH)
    assert_close(frame["embedding"].to_numpy(), expected_means(bench), "polars")


def test_dataset_opens_as_one_table(bench: Bench, tmp_path: Path) -> None:
    """A folder of parts opens in pyarrow and polars, rows in input order."""
    folder = embed(bench, tmp_path / "out", "--batch-tokens", "64")  # several parts
    assert len(list(folder.iterdir())) > 1
    table = pyarrow.dataset.dataset(folder).to_table()
    assert table["id"].to_pylist() == bench.ids
    assert_close(matrix(table["embedding"]), expected_means(bench), "pyarrow.dataset")
    assert polars.read_parquet(folder)["id"].to_list() == bench.ids


def test_npy_with_ids(bench: Bench, tmp_path: Path) -> None:
    """The array has one row per id in `OUT.ids.txt`."""
    out = embed(bench, tmp_path / "out.npy")
    assert Path(f"{out}.ids.txt").read_text().splitlines() == bench.ids
    assert_close(np.load(out), expected_means(bench), "npy")


def test_arrow(bench: Bench, tmp_path: Path) -> None:
    """Arrow IPC opens as a table with the same columns as Parquet."""
    table = pyarrow.feather.read_table(embed(bench, tmp_path / "out.arrow"))
    assert table["id"].to_pylist() == bench.ids
    assert_close(matrix(table["embedding"]), expected_means(bench), "arrow")


def test_csv(bench: Bench, tmp_path: Path) -> None:
    """CSV has one column per dimension after `id` and `length`, and numbers that read back as the same f32."""
    frame = polars.read_csv(embed(bench, tmp_path / "out.csv"), infer_schema_length=None)
    assert frame["id"].to_list() == bench.ids
    numbers = frame.drop("id", "length", "error").to_numpy().astype(np.float32)
    assert_close(numbers, expected_means(bench), "csv")


# ------------------------------------------------------------------------------------------------------------ pretrain


def test_pretrain_roundtrip(bench: Bench, tmp_path: Path) -> None:
    """A folder written by `ferrome protein pretrain` loads in transformers, key for key, with the same logits.

    Only the contact head is missing: masked language modelling does not train it, and no made-up one is written.
    """
    settings = tmp_path / "config.json"
    settings.write_text(json.dumps(config(layers=2, width=64, heads=4).to_dict() | {"steps": 3}))
    folder = tmp_path / "model"
    ferrome("protein", "pretrain", bench.fasta, "--config", settings, "-o", folder, "--device", "cpu")
    _, report = EsmForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert report.pop("missing_keys") == {f"esm.contact_head.regression.{part}" for part in ("weight", "bias")}
    assert not any(report.values()), report
    few = Bench(folder, tmp_path / "few.fasta", bench.proteins[:5], [])
    write_fasta(few.fasta, few.proteins)
    table = read_rows(few, embed(few, tmp_path / "out.parquet", "--logits", "--dtype", "f32"))
    references = reference_answers(folder, few.proteins)
    for protein, got, reference in zip(few.proteins, matrices(table["logits"]), references, strict=True):
        assert_close(got, reference.logits, protein.id)
