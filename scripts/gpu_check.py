#!/usr/bin/env python3
"""Parity and throughput of `ferrome protein embed` and `cell embed` on a GPU, against PyTorch. Run it through `gpu_check.sh`.

Needs torch and numpy only; where transformers is installed it is the reference, otherwise the plain ESM-2 below is.
Everything is random and seeded: a 650M-shaped checkpoint, proteins with the lengths of a bacterial proteome. stdout is
Markdown for benches/RESULTS.md, the exit code says whether parity holds.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import gpu_check_cell

VOCABULARY = [
    "<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>",
]  # fmt: skip
F32_TOLERANCE, BF16_COSINE, PEAK_TARGET = 1e-4, 0.999, 0.5
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
PAD = 1

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Setting:
    """How large the check is."""

    layers: int
    width: int
    heads: int
    parity_proteins: int
    speed_proteins: int
    matmul: int

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    def flops(self, lengths: list[int]) -> float:
        """Floating-point operations of the linear layers and of attention, without padding."""
        linear = 24 * self.width**2 * sum(lengths)
        attention = 4 * self.width * sum(length**2 for length in lengths)
        return float(self.layers * (linear + attention))


FULL = Setting(layers=33, width=1280, heads=20, parity_proteins=64, speed_proteins=8000, matmul=8192)
TINY = Setting(layers=2, width=64, heads=4, parity_proteins=8, speed_proteins=16, matmul=256)


# --------------------------------------------------------------------------------------------------------------- inputs


def random_proteins(count: int, seed: int) -> list[str]:
    """Proteins with log-normal lengths (median 271, 20 to 2,000 residues), as E. coli's are."""
    generator = np.random.default_rng(seed)
    lengths = np.clip(generator.lognormal(math.log(271), 0.6, count), 20, 2000).astype(int)
    letters = np.array(list("LAGVSERTIDPKQNFYMHWC"))
    return ["M" + "".join(generator.choice(letters, length - 1)) for length in lengths]


def write_fasta(path: Path, proteins: list[str]) -> Path:
    """Records named by their number."""
    path.write_text("".join(f">p{i}\n{protein}\n" for i, protein in enumerate(proteins)))
    return path


def random_weights(setting: Setting, seed: int) -> Tensors:
    """A seeded checkpoint under Hugging Face's names, nothing left at 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    d, weights = setting.width, Tensors()

    def linear(name: str, rows: int, columns: int) -> None:
        weights[f"{name}.weight"] = torch.randn(rows, columns, generator=generator) * 0.7 * columns**-0.5
        weights[f"{name}.bias"] = torch.randn(rows, generator=generator) * 0.1

    def norm(name: str) -> None:
        weights[f"{name}.weight"] = 1.0 + torch.randn(d, generator=generator) * 0.1
        weights[f"{name}.bias"] = torch.randn(d, generator=generator) * 0.1

    weights["esm.embeddings.word_embeddings.weight"] = torch.randn(33, d, generator=generator) * 0.08
    exact = 10000.0 ** (-torch.arange(0, setting.head_width, 2).float() / setting.head_width)
    for i in range(setting.layers):
        layer = f"esm.encoder.layer.{i}"
        norm(f"{layer}.attention.LayerNorm")
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            linear(f"{layer}.attention.{part}", d, d)
        weights[f"{layer}.attention.self.rotary_embeddings.inv_freq"] = exact.half().float()
        norm(f"{layer}.LayerNorm")
        linear(f"{layer}.intermediate.dense", 4 * d, d)
        linear(f"{layer}.output.dense", d, 4 * d)
    norm("esm.encoder.emb_layer_norm_after")
    linear("esm.contact_head.regression", 1, setting.layers * setting.heads)
    linear("lm_head.dense", d, d)
    norm("lm_head.layer_norm")
    weights["lm_head.bias"] = torch.randn(33, generator=generator) * 0.1
    return weights


def write_checkpoint(folder: Path, setting: Setting, weights: Tensors) -> None:
    """`config.json`, `vocab.txt` and `model.safetensors`, written without the safetensors package."""
    config = {
        "architectures": ["EsmForMaskedLM"], "model_type": "esm", "vocab_size": 33, "mask_token_id": 32,
        "pad_token_id": PAD, "hidden_size": setting.width, "num_hidden_layers": setting.layers,
        "num_attention_heads": setting.heads, "intermediate_size": 4 * setting.width, "layer_norm_eps": 1e-5,
        "max_position_embeddings": 1026, "position_embedding_type": "rotary", "token_dropout": True,
        "emb_layer_norm_before": False, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    }  # fmt: skip
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in weights.items():
        begin, end = end, end + 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in weights.values():
            file.write(tensor.numpy().tobytes())


def encode(protein: str) -> list[int]:
    """Token ids with `<cls>` and `<eos>`."""
    return [0, *(VOCABULARY.index(letter) for letter in protein), 2]


def sorted_batches(lengths: list[int], budget: int) -> list[list[int]]:
    """Batches of similar length whose padded size stays within the budget; a longer one is alone."""
    batches: list[list[int]] = [[]]
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches[-1] and lengths[i] * (len(batches[-1]) + 1) > budget:
            batches.append([])
        batches[-1].append(i)
    return batches


def pad(rows: list[list[int]], device: str) -> torch.Tensor:
    """Token ids `[b, t]`."""
    tokens = torch.full((len(rows), max(map(len, rows))), PAD)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = torch.tensor(row)
    return tokens.to(device)


# --------------------------------------------------------------------------------------------------- ESM-2 in plain torch


class PlainEsm2:
    """ESM-2 by `scaled_dot_product_attention`, with the weights under Hugging Face's names."""

    def __init__(self, setting: Setting, weights: Tensors, device: str, dtype: torch.dtype) -> None:
        self.setting = setting
        self.inv_freq = weights["esm.encoder.layer.0.attention.self.rotary_embeddings.inv_freq"].to(device)
        self.weights = {name: tensor.to(device, dtype) for name, tensor in weights.items()}

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """`x W^T + b`."""
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """LayerNorm, eps 1e-5."""
        return F.layer_norm(x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], 1e-5)

    def rotate(self, x: torch.Tensor) -> torch.Tensor:
        """Half-split rotation of `[b, h, t, k]` in f32."""
        angles = torch.arange(x.shape[2], device=x.device).float()[:, None] * self.inv_freq  # [t, k / 2]
        cos, sin = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)
        first, second = x.float().chunk(2, -1)
        return (x.float() * cos + torch.cat([-second, first], -1) * sin).to(x.dtype)

    def attention(self, layer: str, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Self-attention of `[b, t, d]`; the query is scaled before it is rotated."""
        b, t, d = x.shape
        heads = lambda y: y.view(b, t, self.setting.heads, -1).transpose(1, 2)  # noqa: E731  [b, t, d] -> [b, h, t, k]
        query = heads(self.linear(f"{layer}.self.query", x)) * self.setting.head_width**-0.5
        key, value = heads(self.linear(f"{layer}.self.key", x)), heads(self.linear(f"{layer}.self.value", x))
        out = F.scaled_dot_product_attention(self.rotate(query), self.rotate(key), value, attn_mask=mask, scale=1.0)
        return self.linear(f"{layer}.output.dense", out.transpose(1, 2).reshape(b, t, d))

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Last hidden states `[b, t, d]` of padded tokens `[b, t]` without `<mask>`."""
        real = tokens != PAD
        mask = None if bool(real.all()) else real[:, None, None, :]
        x = F.embedding(tokens, self.weights["esm.embeddings.word_embeddings.weight"]) * 0.88 * real[..., None]
        for i in range(self.setting.layers):
            layer = f"esm.encoder.layer.{i}"
            x = x + self.attention(f"{layer}.attention", self.norm(f"{layer}.attention.LayerNorm", x), mask)
            hidden = F.gelu(self.linear(f"{layer}.intermediate.dense", self.norm(f"{layer}.LayerNorm", x)))
            x = x + self.linear(f"{layer}.output.dense", hidden)
        return self.norm("esm.encoder.emb_layer_norm_after", x)


def transformers_model(folder: Path, device: str, dtype: torch.dtype):  # noqa: ANN201
    """The checkpoint as transformers runs it with SDPA, behind the same call as `PlainEsm2`."""
    from transformers import EsmModel

    model = EsmModel.from_pretrained(folder, attn_implementation="sdpa", add_pooling_layer=False, dtype=dtype)
    model = model.to(device).eval()
    return lambda tokens: model(input_ids=tokens, attention_mask=(tokens != PAD).long()).last_hidden_state


@torch.inference_mode()
def embed(model, proteins: list[str], device: str, budget: int) -> np.ndarray:  # noqa: ANN001
    """Mean vectors of residues in input order, `[rows, d]` f32; results stay on the device until the end."""
    rows = [encode(protein) for protein in proteins]
    order, means = [], []
    for batch in sorted_batches([len(row) for row in rows], budget):
        hidden = model(pad([rows[i] for i in batch], device))
        lengths = torch.tensor([len(rows[i]) for i in batch], device=device)
        place = torch.arange(hidden.shape[1], device=device)
        residue = (place >= 1) & (place < lengths[:, None] - 1)  # [b, t]
        total = torch.bmm(residue[:, None].to(hidden.dtype), hidden).squeeze(1).float()  # [b, d]
        means.append(total / (lengths - 2)[:, None])
        order += batch
    return torch.cat(means).cpu().numpy()[np.argsort(order)]


# -------------------------------------------------------------------------------------------------------------- Ferrome


def ferrome(fasta: Path, model: Path, out: Path, device: str, dtype: str) -> tuple[np.ndarray, dict]:
    """Vectors `[rows, d]` and `--stats` of `ferrome protein embed`."""
    stats = out.with_suffix(".json")
    command = [os.environ["FERROME_BIN"], "protein", "embed", fasta, "-m", model, "-o", out, "--device", device]
    command += ["--dtype", dtype, "--stats", stats, "--overwrite", "--quiet"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"gpu_check: ferrome ended with {done.returncode}\n{done.stderr}")
    return np.load(out), json.loads(stats.read_text())


def smallest_cosine(got: np.ndarray, expected: np.ndarray) -> float:
    """The smallest cosine over the rows."""
    norms = np.linalg.norm(got, axis=1) * np.linalg.norm(expected, axis=1)
    return float(((got * expected).sum(1) / norms).min())


# -------------------------------------------------------------------------------------------------------------- checks


def synchronize(device: str) -> None:
    """Wait for the device."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def timed(device: str, action) -> float:  # noqa: ANN001
    """Seconds of an action, device included."""
    synchronize(device)
    start = time.perf_counter()
    action()
    synchronize(device)
    return time.perf_counter() - start


def matmul_peak(size: int, device: str) -> float:
    """bf16 operations per second of a square product: the best of five timings of ten products."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    ten = lambda: [torch.mm(a, b) for _ in range(10)]  # noqa: E731
    ten()
    return 10 * 2 * size**3 / min(timed(device, ten) for _ in range(5))


def parity(setting: Setting, weights: Tensors, folder: Path, device: str) -> tuple[list[str], bool]:
    """Markdown lines and whether f32 and bf16 are right."""
    proteins = random_proteins(setting.parity_proteins, seed=1)
    fasta, checkpoint = write_fasta(folder / "parity.fasta", proteins), folder / "model"
    name, model = "plain torch", PlainEsm2(setting, weights, device, torch.float32)
    lines, right = [], True
    expected = embed(model, proteins, device, budget=4096)
    if importlib.util.find_spec("transformers"):
        name, plain = "transformers", expected
        expected = embed(transformers_model(checkpoint, device, torch.float32), proteins, device, budget=4096)
        own = float(np.abs(plain - expected).max())
        print(f"plain torch against transformers: {own:.1e}", file=sys.stderr)
        right &= own <= F32_TOLERANCE
    for dtype in DTYPES:
        got, _ = ferrome(fasta, checkpoint, folder / "parity.npy", device, dtype)
        difference, cosine = float(np.abs(got - expected).max()), smallest_cosine(got, expected)
        holds = difference <= F32_TOLERANCE if dtype == "f32" else cosine >= BF16_COSINE
        right &= holds
        lines.append(
            f"- parity {dtype} against {name} f32, {len(proteins)} proteins: largest difference {difference:.1e}, "
            f"smallest cosine {cosine:.6f}: {'holds' if holds else '**broken**'}"
        )
    return lines, right


def throughput(setting: Setting, weights: Tensors, folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Markdown lines: bf16 residues per second of Ferrome and of torch SDPA, and the fraction of the matmul peak."""
    device, proteins = arguments.device, random_proteins(arguments.proteins or setting.speed_proteins, seed=2)
    fasta, residues = write_fasta(folder / "speed.fasta", proteins), sum(map(len, proteins))
    flops = setting.flops([len(protein) + 2 for protein in proteins])
    peak = matmul_peak(setting.matmul, device)
    seconds = {"torch SDPA": best_of_torch(PlainEsm2(setting, weights, device, torch.bfloat16), proteins, arguments)}
    if importlib.util.find_spec("transformers"):
        model = transformers_model(folder / "model", device, torch.bfloat16)
        seconds["transformers SDPA"] = best_of_torch(model, proteins, arguments)
        del model
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    runs = [ferrome(fasta, folder / "model", folder / "speed.npy", device, "bf16")[1] for _ in range(arguments.rounds)]
    seconds["ferrome"] = sorted(run["run_seconds"] for run in runs)[len(runs) // 2]
    lines = [
        f"- bf16 matmul peak measured beside it ({setting.matmul}³): {peak / 1e12:.1f} TFLOP/s",
        "",
        f"| bf16, {len(proteins)} proteins, {residues:,} residues | residues/s | TFLOP/s | of the peak |",
        "|---|--:|--:|--:|",
    ]
    for name, spent in seconds.items():
        lines.append(f"| {name} | {residues / spent:,.0f} | {flops / spent / 1e12:.1f} | {flops / spent / peak:.0%} |")
    fraction = flops / seconds["ferrome"] / peak
    word = "reached" if fraction >= PEAK_TARGET else f"missed by {1 - fraction / PEAK_TARGET:.0%}"
    beside = ", ".join(f"{spent / seconds['ferrome']:.2f} times {name}" for name, spent in seconds.items() if name != "ferrome")
    return [*lines, "", f"- Ferrome: {beside}; {fraction:.0%} of the peak (target {PEAK_TARGET:.0%}): {word}"]


def best_of_torch(model, proteins: list[str], arguments: argparse.Namespace) -> float:  # noqa: ANN001
    """Median seconds of sorted token-budget batches, after a warm-up on a few proteins."""
    run = lambda some: embed(model, some, arguments.device, arguments.batch_tokens)  # noqa: E731
    run(proteins[:64])
    times = [timed(arguments.device, lambda: run(proteins)) for _ in range(arguments.rounds)]
    return sorted(times)[len(times) // 2]


# -------------------------------------------------------------------------------------------------------- command line


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="as Ferrome and torch spell it (default: cuda)")
    parser.add_argument("--tiny", action="store_true", help="a small shape and few proteins, to see that all of it runs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--proteins", type=int, help="proteins of the throughput run")
    parser.add_argument("--cells", type=int, help="cells of each shape of Geneformer")
    parser.add_argument("--rooms", type=lambda text: text.split(","), default=["protein", "cell"], help="what is checked")
    parser.add_argument("--batch-tokens", type=int, default=32768, help="token budget of the torch contenders")
    return parser.parse_args()


def main() -> int:
    """Run all checks; 1 when parity is broken."""
    arguments = parse()
    on_gpu = arguments.device.startswith("cuda")
    if on_gpu and not torch.cuda.is_available():
        raise SystemExit("gpu_check: torch sees no CUDA device (use --device cpu --tiny to try the logic)")
    torch.set_float32_matmul_precision("highest")
    machine = torch.cuda.get_device_name() if on_gpu else "CPU"
    command = f"`scripts/gpu_check.sh {' '.join(sys.argv[1:])}`: {machine}, torch {torch.__version__}"
    all_right = True
    for room, check in {"protein": proteins, "cell": cells}.items():
        if room not in arguments.rooms:
            continue
        with tempfile.TemporaryDirectory(prefix="ferrome-gpu-check-") as scratch:
            about, lines, right = check(Path(scratch), arguments)
        all_right &= right
        print(f"## {room.capitalize()} embedding on a GPU, {datetime.date.today()}\n\n{command}; {about}, random weights\n")
        print("\n".join([*lines, ""]), flush=True)
    return 0 if all_right else 1


def proteins(folder: Path, arguments: argparse.Namespace) -> tuple[str, list[str], bool]:
    """What was checked, Markdown lines, and whether parity holds."""
    setting = TINY if arguments.tiny else FULL
    weights = random_weights(setting, seed=0)
    write_checkpoint(folder / "model", setting, weights)
    lines, right = parity(setting, weights, folder, arguments.device)
    lines += throughput(setting, weights, folder, arguments)
    return f"ESM-2 of {setting.layers} x {setting.width}, {setting.heads} heads", lines, right


def cells(folder: Path, arguments: argparse.Namespace) -> tuple[str, list[str], bool]:
    """As `proteins`, for Geneformer."""
    lines, right = gpu_check_cell.checks(folder, arguments)
    return "Geneformer", lines, right


if __name__ == "__main__":
    raise SystemExit(main())
