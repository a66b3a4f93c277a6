#!/usr/bin/env python3
"""Make scGPT's golden fixtures under `tests/golden/cell/scgpt*`.

The model is written here from the published formulas (Cui et al. 2024 and scgpt/model/model.py, described in docs/cell.md) on
`torch.nn.TransformerEncoder`, with padded batches and a key padding mask as upstream runs it. Small seeded random checkpoints
are written as users have them (`args.json`, `best_model.pt`, `vocab.json`), with the names of flash-attn or those of torch.
Every cell is run alone and in one padded batch; both answers must agree before a value is written.

    python scripts/make_scgpt_goldens.py            # write tests/golden/cell/scgpt*
    python scripts/make_scgpt_goldens.py --check    # make them again and compare with the committed files
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

GOLDEN_DIR = Path(__file__).resolve().parent.parent / "tests" / "golden" / "cell"
TOLERANCE = 1e-5  # alone against padded
GENES = 30
SPECIALS = {"<pad>": GENES, "<cls>": GENES + 1, "<eoc>": GENES + 2}
LENGTHS = [1, 2, 13, 21, 7]  # <cls> included
EPS = 6.1e-5  # epsilon of scGPT's batch normalisation


@dataclass(frozen=True)
class Case:
    """One seeded checkpoint."""

    name: str
    seed: int
    width: int = 24
    heads: int = 4
    hidden: int = 36
    layers: int = 3
    flash_names: bool = False
    value_style: str = "continuous"
    cell_style: str = "cls"
    norm: str = ""  # "", bn, dsbn, dsbn_affine
    batches: int = 0  # rows of batch_encoder
    explicit_zero: bool = False
    mvc: str = ""  # "", inner product, concat query, sum query
    classes: int = 0
    generator: bool = False
    wrapped: str = ""  # what upstream's trainer put around the tensors


INNER = "inner product"
CASES = [
    Case("scgpt_flash", 1, flash_names=True, mvc=INNER),
    Case("scgpt_torch", 1, mvc=INNER),  # the same weights under the other names
    Case("scgpt_fine_tuned", 2, norm="dsbn", batches=3, explicit_zero=True, mvc=INNER, classes=5, wrapped="module."),
    Case("scgpt_category", 3, value_style="category", norm="bn", cell_style="avg-pool", classes=2),
    Case("scgpt_scaling", 4, value_style="scaling", norm="dsbn_affine", cell_style="w-pool", explicit_zero=True),
    Case("scgpt_concat_query", 7, layers=1, mvc="concat query"),
    Case("scgpt_sum_query", 8, layers=1, mvc="sum query"),
    Case("scgpt_generator", 5, generator=True, flash_names=True),
    Case("scgpt_generator_zero", 6, generator=True, explicit_zero=True, norm="bn"),
]


class Table(nn.Module):
    """A table with a LayerNorm behind it."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(rows, width)
        self.enc_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.enc_norm(self.embedding(x))


class ContinuousValues(nn.Module):
    """A number to a vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(1, width)
        self.linear2 = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.clamp(x.unsqueeze(-1), max=512)
        return self.norm(self.linear2(torch.relu(self.linear1(x))))


class CategoryValues(Table):
    """A bin to a vector."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.long())


def perceptron(inputs: int, width: int) -> nn.Sequential:
    """Three linear layers down to one number."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LeakyReLU(), nn.Linear(width, width), nn.LeakyReLU(), nn.Linear(width, 1)
    )


class Expression(nn.Module):
    """ExprDecoder."""

    def __init__(self, inputs: int, width: int, explicit_zero: bool) -> None:
        super().__init__()
        self.fc = perceptron(inputs, width)
        if explicit_zero:
            self.zero_logit = perceptron(inputs, width)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out = {"values": self.fc(x).squeeze(-1)}
        if hasattr(self, "zero_logit"):
            out["expressed"] = torch.sigmoid(self.zero_logit(x).squeeze(-1))
        return out


class Affine(nn.Module):
    """AffineExprDecoder."""

    def __init__(self, width: int, explicit_zero: bool) -> None:
        super().__init__()
        self.coeff_decoder = Expression(width, width, explicit_zero)
        self.bias_decoder = Expression(width, width, explicit_zero)

    def forward(self, x: Tensor, values: Tensor) -> dict[str, Tensor]:
        coefficient, bias = self.coeff_decoder(x), self.bias_decoder(x)
        return {**coefficient, "values": coefficient["values"] * values + bias["values"]}


class Mvc(nn.Module):
    """MVCDecoder, inner product."""

    def __init__(self, inputs: int, width: int, explicit_zero: bool) -> None:
        super().__init__()
        self.gene2query = nn.Linear(width, width)
        self.W = nn.Linear(width, inputs, bias=False)
        if explicit_zero:
            self.W_zero_logit = nn.Linear(width, inputs)

    def forward(self, cells: Tensor, genes: Tensor) -> dict[str, Tensor]:
        query = torch.sigmoid(self.gene2query(genes))
        ask = lambda w: torch.bmm(w(query), cells.unsqueeze(2)).squeeze(2)  # noqa: E731
        out = {"values": ask(self.W)}
        if hasattr(self, "W_zero_logit"):
            out["expressed"] = torch.sigmoid(ask(self.W_zero_logit))
        return out


class MvcHidden(nn.Module):
    """MVCDecoder, concat query and sum query."""

    def __init__(self, width: int, concat: bool) -> None:
        super().__init__()
        self.concat = concat
        self.gene2query = nn.Linear(width, 64 if concat else width)
        self.fc1 = nn.Linear(width + 64 if concat else width, 64)
        self.hidden_activation = nn.PReLU()
        self.fc2 = nn.Linear(64, 1)

    def forward(self, cells: Tensor, genes: Tensor) -> dict[str, Tensor]:
        query, cells = torch.sigmoid(self.gene2query(genes)), cells.unsqueeze(1)
        joined = torch.cat([cells.expand(-1, genes.shape[1], -1), query], dim=2) if self.concat else cells + query
        return {"values": self.fc2(self.hidden_activation(self.fc1(joined))).squeeze(2)}


class Classes(nn.Module):
    """ClsDecoder of three layers."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        hidden = [(nn.Linear(width, width), nn.ReLU(), nn.LayerNorm(width)) for _ in range(2)]
        self._decoder = nn.ModuleList([layer for group in hidden for layer in group])
        self.out_layer = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self._decoder:
            x = layer(x)
        return self.out_layer(x)


class DomainNorm(nn.Module):
    """One batch normalisation per batch."""

    def __init__(self, width: int, batches: int, affine: bool) -> None:
        super().__init__()
        self.bns = nn.ModuleList([nn.BatchNorm1d(width, eps=EPS, affine=affine) for _ in range(batches)])


class Model(nn.Module):
    """TransformerModel, or TransformerGenerator."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        d, self.case = case.width, case
        inputs = 2 * d if case.batches else d
        self.encoder = Table(GENES + len(SPECIALS), d)
        if case.value_style == "continuous":
            self.value_encoder = ContinuousValues(d)
        elif case.value_style == "category":
            self.value_encoder = CategoryValues(53, d)
        if case.generator:
            self.pert_encoder = nn.Embedding(3, d)
        else:
            self.flag_encoder = nn.Embedding(2, d)
        if case.batches:
            self.batch_encoder = Table(case.batches, d)
        if case.norm == "bn":
            self.bn = nn.BatchNorm1d(d, eps=EPS)
        elif case.norm:
            self.dsbn = DomainNorm(d, 3, case.norm == "dsbn_affine")
        layer = nn.TransformerEncoderLayer(d, case.heads, case.hidden, 0.0, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, case.layers, enable_nested_tensor=False)
        zero = case.explicit_zero
        self.decoder = Affine(d, zero) if case.generator else Expression(inputs, d, zero)
        if case.mvc == INNER:
            self.mvc_decoder = Mvc(inputs, d, zero)
        elif case.mvc:
            self.mvc_decoder = MvcHidden(d, case.mvc == "concat query")
        if case.classes:
            self.cls_decoder = Classes(d, case.classes)

    def embed(self, genes: Tensor, values: Tensor, flags: Tensor, label: int) -> Tensor:
        x = self.encoder(genes)
        x = x * values.unsqueeze(2) if self.case.value_style == "scaling" else x + self.value_encoder(values)
        if self.case.generator:
            x = x + self.pert_encoder(flags)
        if self.case.norm:
            norm = self.bn if self.case.norm == "bn" else self.dsbn.bns[label]
            x = norm(x.permute(0, 2, 1)).permute(0, 2, 1)
        return x

    def cells(self, x: Tensor, values: Tensor, length: int) -> Tensor:
        """The vector of each cell; padding does not count."""
        if self.case.cell_style == "cls":
            return x[:, 0]
        if self.case.cell_style == "avg-pool":
            return x[:, :length].mean(dim=1)
        return nn.functional.normalize((x * values.unsqueeze(2))[:, :length].sum(dim=1), dim=1)

    @torch.no_grad()
    def run(self, cells: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
        """Every value of every cell, from one padded batch."""
        longest = max(len(cell["tokens"]) for cell in cells)
        pad = lambda key, by: torch.stack(  # noqa: E731
            [nn.functional.pad(cell[key], (0, longest - len(cell[key])), value=by) for cell in cells]
        )
        genes, flags = pad("tokens", SPECIALS["<pad>"]), pad("flags", 2)
        values = pad("values", 0 if self.case.value_style == "category" else -2)
        mask = genes == SPECIALS["<pad>"]
        # Upstream takes one batch label for all; a batch of one label each is what it would run.
        rows = [self.embed(genes[i : i + 1], values[i : i + 1], flags[i : i + 1], cell["label"]) for i, cell in enumerate(cells)]
        x = torch.cat(rows)
        layers = [x]
        for layer in self.transformer_encoder.layers:
            layers.append(layer(layers[-1], src_key_padding_mask=mask))
        return [self.read(layers, genes, values, i, cell) for i, cell in enumerate(cells)]

    def read(self, layers: list[Tensor], genes: Tensor, values: Tensor, i: int, cell: dict) -> dict[str, Tensor]:
        length, one = len(cell["tokens"]), slice(i, i + 1)
        out = {f"layer.{k}": x[i, :length] for k, x in enumerate(layers)}
        last = layers[-1][one]
        if self.case.generator:
            decoded = self.decoder(last, values[one])
            return out | {f"after.{key}": value[0, :length] for key, value in decoded.items()}
        vectors = self.cells(last, values[one], length)
        out |= {"cell": vectors[0], "unit": nn.functional.normalize(vectors, dim=1)[0]}
        inputs, query = last, vectors
        if self.case.batches:
            label = self.batch_encoder(torch.tensor([cell["label"]]))
            inputs = torch.cat([last, label.unsqueeze(1).repeat(1, last.shape[1], 1)], dim=2)
            query = torch.cat([vectors, label], dim=1)
        out |= {f"expression.{key}": value[0, :length] for key, value in self.decoder(inputs).items()}
        if self.case.mvc:
            decoded = self.mvc_decoder(query, self.encoder(genes[one]))
            out |= {f"mvc.{key}": value[0, :length] for key, value in decoded.items()}
        if self.case.classes:
            out["classes"] = self.cls_decoder(vectors)[0]
        return out


def seeded(case: Case) -> Model:
    """Random weights of a size that makes every part matter."""
    torch.manual_seed(case.seed)
    model = Model(case).eval()
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2.0)
        elif name.endswith(("running_mean", "bias")):
            tensor.normal_(0, 0.2)
        elif tensor.dim() == 1 and tensor.is_floating_point():
            tensor.normal_(1, 0.2)
        elif name.endswith("embedding.weight") or "encoder.weight" in name:
            tensor.normal_(0, 0.5)
    return model


def inputs(case: Case) -> list[dict]:
    """Cells of several lengths, <cls> first, with values as their style takes them."""
    generator = torch.Generator().manual_seed(100 + case.seed)
    cells = []
    for i, length in enumerate(LENGTHS):
        genes = torch.randperm(GENES, generator=generator)[: length - 1]
        tokens = torch.cat([torch.tensor([SPECIALS["<cls>"]]), genes])
        values = torch.randint(0, 51, (length,), generator=generator).float()
        if case.value_style == "continuous" and not case.generator:
            values[0] = -2.0
        if case.generator:
            values = (values / 10).round(decimals=1)
        values[-1] = 600.0 if case.value_style == "continuous" and i == 3 else values[-1]  # beyond what is clamped
        flags = torch.zeros(length, dtype=torch.long)
        flags[length // 2] = 1
        cells.append({"tokens": tokens, "values": values, "flags": flags, "label": i % 3})
    return cells


def arguments(case: Case) -> dict[str, object]:
    """args.json, with keys that mean nothing here among them."""
    return {
        "data_source": "/scratch/cellxgene", "input_style": "binned", "input_emb_style": case.value_style, "n_bins": 51,
        "max_seq_len": 1200, "pad_token": "<pad>", "pad_value": -2, "mask_value": -1, "mask_ratio": [0.25, 0.5, 0.75],
        "batch_size": 32, "nlayers": case.layers, "nheads": case.heads, "embsize": case.width, "d_hid": case.hidden,
        "n_layers_cls": 3, "dropout": 0.2, "cell_emb_style": case.cell_style, "MVC": bool(case.mvc), "fast_transformer": True,
    }  # fmt: skip


def checkpoint_name(case: Case, name: str) -> str:
    """The name that a tensor has in the file."""
    if case.flash_names:
        name = name.replace("self_attn.in_proj_", "self_attn.Wqkv.")
    return case.wrapped + name


def write(case: Case, folder: Path) -> None:
    """One case: the folder of a user, and `golden.safetensors` beside it."""
    model, cells = seeded(case), inputs(case)
    together = model.run(cells)
    golden: dict[str, Tensor] = {}
    for i, (cell, expected) in enumerate(zip(cells, together, strict=True)):
        alone = model.run([cell])[0]
        for name, value in expected.items():
            worst = ((alone[name] - value).abs() / value.abs().clamp(min=1)).max().item()
            if worst > TOLERANCE:
                sys.exit(f"{case.name}: {name}.{i} differs between alone and padded by {worst:.1e}")
            golden[f"{name}.{i}"] = value.contiguous().clone()
        golden |= {f"{key}.{i}": cell[key] for key in ("tokens", "values", "flags")}
        golden[f"label.{i}"] = torch.tensor(cell["label"])
    folder.mkdir(parents=True, exist_ok=True)
    state = {checkpoint_name(case, name): tensor for name, tensor in model.state_dict().items()}
    torch.save(state, folder / "best_model.pt")
    (folder / "args.json").write_text(json.dumps(arguments(case), indent=2) + "\n")
    vocabulary = {f"GENE{i}": i for i in range(GENES)} | SPECIALS
    (folder / "vocab.json").write_text(json.dumps(vocabulary) + "\n")
    save_file(golden, folder / "golden.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing them")
    if not parser.parse_args().check:
        for case in CASES:
            write(case, GOLDEN_DIR / case.name)
        return
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            write(case, Path(folder) / case.name)
            made, kept = (load_file(root / case.name / "golden.safetensors") for root in (Path(folder), GOLDEN_DIR))
            if made.keys() != kept.keys():
                sys.exit(f"{case.name}: other values than in {GOLDEN_DIR}")
            for name, value in made.items():
                torch.testing.assert_close(value, kept[name], rtol=1e-5, atol=1e-5)
    print(f"{len(CASES)} checkpoints agree with {GOLDEN_DIR}")


if __name__ == "__main__":
    main()
