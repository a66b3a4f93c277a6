"""What every contender of the protein benchmark shares: shapes, inputs, checkpoints, batching, and how it reports."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

TOKEN_BUDGET = 4096
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
VOCABULARY = [
    "<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>",
]  # fmt: skip
FAIR_NAMES = [
    ("esm.embeddings.word_embeddings.", "encoder.sentence_encoder.embed_tokens."),
    ("esm.encoder.emb_layer_norm_after.", "encoder.sentence_encoder.emb_layer_norm_after."),
    ("esm.encoder.layer.", "encoder.sentence_encoder.layers."),
    (".attention.LayerNorm.", ".self_attn_layer_norm."),
    (".attention.self.query.", ".self_attn.q_proj."),
    (".attention.self.key.", ".self_attn.k_proj."),
    (".attention.self.value.", ".self_attn.v_proj."),
    (".attention.output.dense.", ".self_attn.out_proj."),
    (".LayerNorm.", ".final_layer_norm."),
    (".intermediate.dense.", ".fc1."),
    (".output.dense.", ".fc2."),
    ("lm_head.decoder.", "lm_head."),
    ("lm_head.", "encoder.lm_head."),
    ("esm.contact_head.", "contact_head."),
]


@dataclass(frozen=True)
class Shape:
    """The shape of an ESM-2 model."""

    layers: int
    width: int
    heads: int

    def __str__(self) -> str:
        return f"{self.layers} x {self.width}, {self.heads} heads"


SHAPES = {
    "35m": Shape(12, 480, 20),
    "150m": Shape(30, 640, 20),
    "650m6": Shape(6, 1280, 20),
    "650m": Shape(33, 1280, 20),
    "tiny": Shape(2, 64, 4),
}


@dataclass
class Timing:
    """What a contender writes to `--stats`, under the same keys as `ferrome protein embed --stats`."""

    load_seconds: float = 0.0
    run_seconds: float = 0.0
    rows: int = 0
    tokens: int = 0
    residues: int = 0
    versions: dict[str, str] = field(default_factory=lambda: {"torch": torch.__version__})

    def write(self, path: Path) -> None:
        """Write it as JSON, with the highest resident memory of this process so far, as Linux counts it since `exec`."""
        status = Path("/proc/self/status").read_text().splitlines()
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
        path.write_text(json.dumps(asdict(self) | {"peak_rss_bytes": peak}))

    @contextmanager
    def measure(self, key: str) -> Iterator[None]:
        """Set `load_seconds` or `run_seconds` to the time of the block."""
        start = time.perf_counter()
        yield
        setattr(self, key, time.perf_counter() - start)

    def count(self, lengths: list[int]) -> None:
        """Set rows, residues and unpadded tokens from the residues per protein."""
        self.rows, self.residues = len(lengths), sum(lengths)
        self.tokens = self.residues + 2 * self.rows


def peer_arguments(description: str | None) -> argparse.ArgumentParser:
    """The command line that all Python contenders have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("fasta", type=Path)
    parser.add_argument("-m", "--model", type=Path, required=True, help="Hugging Face folder or fair-esm .pt")
    parser.add_argument("--dtype", choices=DTYPES, default="f32")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--stats", type=Path, required=True, help="JSON with times and counts")
    parser.add_argument("--embeddings", type=Path, help="also write the vectors in file order as .npy")
    return parser


# --------------------------------------------------------------------------------------------------------------- input


def read_fasta(path: Path) -> list[tuple[str, str]]:
    """Records of a plain FASTA file as (first word of the header, sequence)."""
    records = []
    for block in path.read_text().split(">")[1:]:
        header, *lines = block.splitlines()
        records.append((header.split()[0], "".join(lines)))
    return records


def write_sample(source: Path, target: Path, count: int, seed: int) -> list[int]:
    """Write `count` random records of `source`, in file order; their lengths."""
    records = read_fasta(source)
    picks = np.random.default_rng(seed).choice(len(records), min(count, len(records)), replace=False)
    chosen = [records[i] for i in sorted(picks)]
    target.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in chosen))
    return [len(sequence) for _, sequence in chosen]


def encode(sequence: str) -> list[int]:
    """Token ids with `<cls>` and `<eos>`."""
    ids = {token: i for i, token in enumerate(VOCABULARY)}
    return [0, *(ids.get(letter, 3) for letter in sequence), 2]


def pad(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask `[b, t]` of a padded batch."""
    tokens = torch.full((len(rows), max(map(len, rows))), 1)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = torch.tensor(row)
    return tokens, (tokens != 1).long()


def naive_batches(lengths: list[int], size: int = 8) -> list[list[int]]:
    """Batches of `size` in file order."""
    return [list(range(i, min(i + size, len(lengths)))) for i in range(0, len(lengths), size)]


def sorted_batches(lengths: list[int], budget: int = TOKEN_BUDGET) -> list[list[int]]:
    """Batches of similar length whose padded size stays within the budget; a longer one is alone."""
    batches: list[list[int]] = [[]]
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches[-1] and lengths[i] * (len(batches[-1]) + 1) > budget:
            batches.append([])
        batches[-1].append(i)
    return batches


def mean_of_residues(hidden: torch.Tensor, row: int, tokens: int) -> np.ndarray:
    """Mean over the residues of one row of `[b, t, d]`, in f32, without `<cls>` and `<eos>`."""
    return hidden[row, 1 : tokens - 1].float().mean(0).cpu().numpy()


# --------------------------------------------------------------------------------------------------------- checkpoints


def write_checkpoints(shape: Shape, folder: Path, seed: int, fair: bool) -> tuple[Path, Path]:
    """A random checkpoint by transformers as a folder, and (if asked for) the same one as a fair-esm file."""
    from transformers import EsmConfig, EsmForMaskedLM

    torch.manual_seed(seed)
    config = EsmConfig(
        vocab_size=33, mask_token_id=32, pad_token_id=1, hidden_size=shape.width, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, intermediate_size=4 * shape.width, max_position_embeddings=1026,
        layer_norm_eps=1e-5, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, emb_layer_norm_before=False,
        token_dropout=True, position_embedding_type="rotary",
    )  # fmt: skip
    model = EsmForMaskedLM(config)
    hugging, pickle = folder / "hf", folder / "esm2_random.pt"
    model.save_pretrained(hugging)
    (hugging / "vocab.txt").write_text("\n".join(VOCABULARY))
    if fair:
        write_fair(model, shape, pickle)
    return hugging, pickle


def write_fair(model: torch.nn.Module, shape: Shape, path: Path) -> None:
    """The weights as fair-esm's `.pt` and its `-contact-regression.pt`."""
    named = {}
    for name, tensor in model.state_dict().items():
        for hugging, fair in FAIR_NAMES:
            name = fair + name.removeprefix(hugging) if name.startswith(hugging) else name
            name = name.replace(hugging, fair) if hugging.startswith(".") else name
        named[name] = tensor
    inv_freq = named.pop("esm.rotary_embeddings.inv_freq")
    for layer in range(shape.layers):
        named[f"encoder.sentence_encoder.layers.{layer}.self_attn.rot_emb.inv_freq"] = inv_freq
    regression = {name: named.pop(name) for name in list(named) if name.startswith("contact_head.")}
    settings = argparse.Namespace(
        encoder_layers=shape.layers, encoder_embed_dim=shape.width, encoder_attention_heads=shape.heads,
        token_dropout=True,
    )  # fmt: skip
    torch.save({"cfg": {"model": settings}, "model": named}, path)
    torch.save({"model": regression}, path.with_name(f"{path.stem}-contact-regression.pt"))
