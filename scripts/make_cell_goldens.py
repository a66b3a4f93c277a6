#!/usr/bin/env python3
"""Make the cell golden fixtures under `tests/golden/cell/`.

Small seeded random Geneformers (transformers' BertForMaskedLM with ReLU) are written in the layouts that users have on disk,
and transformers computes what each block must give. Every cell is run alone and in one padded batch, and every layout is
loaded again by transformers; all answers must agree before a value is written.

    python scripts/make_cell_goldens.py            # write tests/golden/cell
    python scripts/make_cell_goldens.py --check    # make them again and compare with the committed files
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel
from transformers import logging as transformers_logging

GOLDEN_DIR = Path(__file__).resolve().parent.parent / "tests" / "golden" / "cell"
TOLERANCE = 1e-5  # alone against padded, and one layout against another
BLOCK_CELL = 4  # the cell whose block 0 is written step by step
LENGTHS = (1, 2, 7, 40, 17, 3, 33)  # tokens of each cell

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Case:
    """One seeded checkpoint: its shape, and the layouts it is written in."""

    name: str
    layers: int
    width: int
    heads: int
    inner: int
    genes: int
    seed: int
    framed: bool  # cells begin with <cls> (2) and end with <eos> (3), as in V2
    layouts: dict[str, str]  # layout -> path below tests/golden/cell


CASES = [
    Case("geneformer_v1", 3, 64, 1, 96, 50, 1, False, {"safetensors": "geneformer_v1"}),
    Case("geneformer_v2", 2, 24, 2, 48, 40, 2, True, {
        "sharded": "geneformer_v2", "bin": "geneformer_bin", "encoder": "geneformer_encoder",
        "classifier": "geneformer_classifier",
    }),
]  # fmt: skip


def config(case: Case) -> BertConfig:
    """The configuration as Geneformer's own files have it."""
    return BertConfig(
        vocab_size=case.genes, hidden_size=case.width, num_hidden_layers=case.layers, num_attention_heads=case.heads,
        intermediate_size=case.inner, max_position_embeddings=40, hidden_act="relu", layer_norm_eps=1e-12, pad_token_id=0,
        hidden_dropout_prob=0.02, attention_probs_dropout_prob=0.02,
    )  # fmt: skip


def random_model(case: Case) -> BertForMaskedLM:
    """Weights large enough that a wrong order of operations shows: nothing is left at its initial 0 or 1."""
    model = BertForMaskedLM(config(case)).eval()
    generator = torch.Generator().manual_seed(case.seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "embeddings.weight" in name:
                parameter.copy_(0.3 * noise)
            elif "LayerNorm.weight" in name:
                parameter.copy_(1.0 + 0.2 * noise)
            elif parameter.dim() == 2:
                parameter.copy_(noise / parameter.shape[1] ** 0.5)
            else:
                parameter.copy_(0.2 * noise)
    return model


def cells(case: Case) -> list[torch.Tensor]:
    """Seeded lists of distinct genes, framed where the case is."""
    generator = torch.Generator().manual_seed(case.seed + 100)
    first = 4 if case.framed else 2
    genes = lambda n: first + torch.randperm(case.genes - first, generator=generator)[:n]  # noqa: E731
    if not case.framed:
        return [genes(n) for n in LENGTHS]
    return [torch.cat([torch.tensor([2]), genes(n - 2), torch.tensor([3])]) for n in LENGTHS if n > 2]


# ------------------------------------------------------------------------------------------------- layouts on disk


def write_sharded(model: BertForMaskedLM, folder: Path) -> None:
    model.save_pretrained(folder, max_shard_size="20KB")


def write_bin(model: BertForMaskedLM, folder: Path) -> None:
    """An old file: a zip of pickles, the tied weight sharing its storage, TensorFlow's names, a buffer of positions."""
    model.config.save_pretrained(folder)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"]
    state["cls.predictions.decoder.bias"] = state["cls.predictions.bias"]
    state["bert.embeddings.position_ids"] = torch.arange(model.config.max_position_embeddings).unsqueeze(0)
    old = lambda name: name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")  # noqa: E731
    torch.save({old(name): tensor for name, tensor in state.items()}, folder / "pytorch_model.bin")


def write_encoder(model: BertForMaskedLM, folder: Path) -> None:
    """`BertModel`: names without the prefix `bert.`, a pooler, no head."""
    torch.manual_seed(7)
    encoder = BertModel(model.config)
    encoder.load_state_dict(model.bert.state_dict(), strict=False)
    encoder.save_pretrained(folder)


def write_classifier(model: BertForMaskedLM, folder: Path) -> None:
    """A fine-tuned classifier: a pooler and a `classifier`, no head."""
    torch.manual_seed(8)
    classifier = BertForSequenceClassification(model.config)
    classifier.bert.load_state_dict(model.bert.state_dict(), strict=False)
    classifier.save_pretrained(folder)


WRITERS = {
    "safetensors": lambda model, folder: model.save_pretrained(folder),
    "sharded": write_sharded,
    "bin": write_bin,
    "encoder": write_encoder,
    "classifier": write_classifier,
}


# --------------------------------------------------------------------------------------------- the reference answers


@torch.no_grad()
def outputs(model: torch.nn.Module, batch: list[torch.Tensor]) -> list[Tensors]:
    """Layers, and logits where there is a head, of each cell of one padded batch, cut to its own tokens."""
    tokens = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(cell) for cell in batch], batch_first=True)
    out = model(input_ids=tokens, attention_mask=mask, output_hidden_states=True)
    named = {f"layer.{layer}": value for layer, value in enumerate(out.hidden_states)}
    if isinstance(model, BertForMaskedLM):
        named["logits"] = out.logits
    return [{name: value[row, : len(cell)] for name, value in named.items()} for row, cell in enumerate(batch)]


@torch.no_grad()
def block_steps(model: BertForMaskedLM, cell: torch.Tensor) -> Tensors:
    """What happens inside block 0, step by step."""
    layer, steps = model.bert.encoder.layer[0], {}
    keep = lambda name: lambda _m, _i, out: steps.__setitem__(name, out)  # noqa: E731
    hooks = [
        layer.attention.output.dense.register_forward_hook(keep("attention")),
        layer.attention.output.register_forward_hook(keep("attention_norm")),
        layer.intermediate.register_forward_hook(keep("intermediate")),
        layer.output.register_forward_hook(keep("output")),
    ]
    model(input_ids=cell.unsqueeze(0))
    for hook in hooks:
        hook.remove()
    return {name: value[0] for name, value in steps.items()}


def demand(condition: bool, message: str) -> None:
    """Stop with a message unless the condition holds."""
    if not condition:
        raise SystemExit(f"make_cell_goldens: {message}")


def largest_difference(left: list[Tensors], right: list[Tensors]) -> float:
    """The largest absolute difference between two lists of answers, over the names that both have."""
    return max((a[name] - b[name]).abs().max().item() for a, b in zip(left, right) for name in a.keys() & b.keys())


def make_case(case: Case, root: Path) -> None:
    """Write the layouts of one case and its golden values, and check that all references agree."""
    model, batch = random_model(case), cells(case)
    answers = [outputs(model, [cell])[0] for cell in batch]
    print(f"{case.name}: padded {(spread := largest_difference(answers, outputs(model, batch))):.1e}", end="")
    demand(spread <= TOLERANCE, f"{case.name}: padding changes the result by {spread}")
    for layout, place in case.layouts.items():
        folder = root / place
        folder.mkdir(parents=True, exist_ok=True)
        WRITERS[layout](model, folder)
        again = BertModel if layout in {"encoder", "classifier"} else BertForMaskedLM
        difference = largest_difference(answers, outputs(again.from_pretrained(folder).eval(), batch))
        print(f", {layout} {difference:.1e}", end="")
        demand(difference <= TOLERANCE, f"{case.name}: {layout} differs by {difference}")
    print()
    golden = {f"{name}.{i}": value for i, answer in enumerate(answers) for name, value in answer.items()}
    golden |= {f"tokens.{i}": cell for i, cell in enumerate(batch)}
    golden |= {f"block0.{name}": value for name, value in block_steps(model, batch[BLOCK_CELL]).items()}
    save_file({name: value.contiguous().clone() for name, value in golden.items()}, root / f"{case.name}.golden.safetensors")


def write_index(root: Path) -> None:
    """`cases.json`: checkpoint -> golden file."""
    index = [
        {"checkpoint": place, "layout": layout, "golden": f"{case.name}.golden.safetensors", "layers": case.layers,
         "width": case.width, "heads": case.heads, "head": layout not in {"encoder", "classifier"}, "block": BLOCK_CELL}
        for case in CASES for layout, place in case.layouts.items()
    ]  # fmt: skip
    (root / "cases.json").write_text(json.dumps(index, indent=2) + "\n")


# ----------------------------------------------------------------------------------------------------------- check


def differs(made: Path, kept: Path) -> str | None:
    """What differs between a fixture made now and the committed one; weights must be equal, values close."""
    if not kept.exists():
        return "is not committed"
    if made.suffix not in {".safetensors", ".bin"}:
        return None if made.read_text() == kept.read_text() else "differs in text"
    read = load_file if made.suffix == ".safetensors" else torch.load
    new, old = read(made), read(kept)
    if new.keys() != old.keys():
        return f"has other keys: {sorted(new.keys() ^ old.keys())[:5]}"
    tolerance = TOLERANCE if ".golden." in made.name else 0.0
    far = [name for name in new if (new[name].double() - old[name].double()).abs().max() > tolerance]
    return f"has other values at {far[0]}" if far else None


def check(root: Path) -> int:
    """Compare freshly made fixtures with the committed ones; the exit code."""
    wrong = 0
    for made in sorted(path for path in root.rglob("*") if path.is_file()):
        place = made.relative_to(root)
        if reason := differs(made, GOLDEN_DIR / place):
            print(f"{place} {reason}", file=sys.stderr)
            wrong += 1
    print(f"{wrong} fixtures differ" if wrong else "all fixtures are as committed")
    return 1 if wrong else 0


def main() -> int:
    """Make the fixtures, or make them elsewhere and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="make them again and compare with the committed files")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "cell"
        root.mkdir()
        for case in CASES:
            make_case(case, root)
        write_index(root)
        if arguments.check:
            return check(root)
        for path in root.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.copytree(root, GOLDEN_DIR, dirs_exist_ok=True)
    size = sum(path.stat().st_size for path in GOLDEN_DIR.rglob("*") if path.is_file())
    print(f"{GOLDEN_DIR}: {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
