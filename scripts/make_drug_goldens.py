#!/usr/bin/env python3
"""Make the drug golden fixtures under `tests/golden/drug/`.

`metrics.json`: small vectors with ties, and what scipy, scikit-learn and RDKit make of them.

One folder per graph transformer: small seeded random models written here from the published formulas, their weights
(`model.safetensors`), and their inputs, the output of every layer, and the gradients of a training step without dropout
(`golden.safetensors`). Attention runs graph by graph on dense matrices, kernels come from scipy. Where torch_geometric can
be imported, its GPSConv must give what the GPS layers here give before anything is written.

    python scripts/make_drug_goldens.py            # write tests/golden/drug
    python scripts/make_drug_goldens.py --check    # make them again and compare with the committed files
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import scipy.stats
import sklearn.metrics
import torch
from rdkit.ML.Scoring import Scoring
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

GOLDEN_DIR = Path(__file__).resolve().parent.parent / "tests" / "golden" / "drug"
TOLERANCE = 1e-5

# Metrics


def concordance(truth: np.ndarray, score: np.ndarray) -> float:
    """Over all pairs with truth_i > truth_j; ties in the score count one half."""
    larger = truth[:, None] > truth[None, :]
    order = np.sign(score[:, None] - score[None, :])
    return float(((order + 1) / 2)[larger].mean())


def rm2(truth: np.ndarray, score: np.ndarray) -> float:
    """DeepDTA's: r2 * (1 - sqrt(|r2^2 - r02^2|))."""
    r2 = np.corrcoef(truth, score)[0, 1] ** 2
    slope = (truth * score).sum() / (score * score).sum()
    r02 = 1 - ((truth - slope * score) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    return float(r2 * (1 - np.sqrt(abs(r2**2 - r02**2))))


def metrics() -> dict[str, Any]:
    """Inputs and expected values."""
    random = np.random.default_rng(1)
    truth = np.maximum(5.0, np.round(random.normal(5.2, 1.2, 150), 1))  # most at the floor, as in Davis
    tied = np.round(truth + random.normal(0, 0.8, 150), 1)
    score = truth + random.normal(0, 0.8, 150)  # without ties: RDKit takes equal scores as they come
    positive = truth > 6.5
    best_first = [[bool(positive[i])] for i in np.argsort(-score)]
    return {
        "truth": truth.tolist(),
        "tied": tied.tolist(),
        "score": score.tolist(),
        "positive": positive.tolist(),
        "expected": {
            "mse": float(((truth - tied) ** 2).mean()),
            "concordance": concordance(truth, tied),
            "rm2": rm2(truth, tied),
            "pearson": float(scipy.stats.pearsonr(truth, tied).statistic),
            "spearman": float(scipy.stats.spearmanr(truth, tied).statistic),
            "auroc": float(sklearn.metrics.roc_auc_score(positive, tied)),
            "auprc": float(sklearn.metrics.average_precision_score(positive, tied)),
            "bedroc_20": float(Scoring.CalcBEDROC(best_first, 0, 20.0)),
            "enrichment_1": float(Scoring.CalcEnrichment(best_first, 0, [0.01])[0]),
            "enrichment_10": float(Scoring.CalcEnrichment(best_first, 0, [0.1])[0]),
        },
    }


# Graphs


@dataclass
class Graphs:
    """Packed graphs: nodes of all graphs one after another, every edge in both directions."""

    node_features: Tensor
    edges: Tensor  # [e, 2]
    edge_features: Tensor
    starts: Tensor
    random_walks: Tensor
    laplacian: Tensor  # [n, pairs, 2]: eigenvalue and element

    @property
    def sizes(self) -> list[int]:
        return (self.starts[1:] - self.starts[:-1]).tolist()

    @property
    def nodes(self) -> int:
        return int(self.starts[-1])

    @property
    def degree(self) -> Tensor:
        return torch.zeros(self.nodes).index_add(0, self.edges[:, 1], torch.ones(len(self.edges)))

    def adjacency(self, graph: int) -> np.ndarray:
        start, end = int(self.starts[graph]), int(self.starts[graph + 1])
        dense = np.zeros((end - start, end - start))
        for source, target in self.edges.tolist():
            if start <= source < end:
                dense[source - start, target - start] += 1
        return dense


NODE_SIZES, EDGE_SIZES, WALKS, PAIRS = [7, 4, 3], [4, 2], 5, 4


def make_graphs() -> Graphs:
    """Trees with rings, one lone atom, and one of two parts; sizes that fall into several buckets."""
    random = np.random.default_rng(2)
    starts, edges, walks, laplacian = [0], [], [], []
    for size in [9, 1, 11, 4, 10, 23]:
        bonds = {(int(random.integers(max(0, i - 4), i)), i) for i in range(1, size)}
        if size > 8:
            bonds |= {(0, 5), (2, 7)}
        if size == 10:  # a salt: cut in two
            bonds = {(i, j) for i, j in bonds if (i < 6) == (j < 6)}
        dense = np.zeros((size, size))
        for i, j in sorted(bonds):
            dense[i, j] = dense[j, i] = 1
            edges += [(starts[-1] + i, starts[-1] + j), (starts[-1] + j, starts[-1] + i)]
        degree = dense.sum(1)
        step = dense / np.maximum(degree, 1)[:, None]
        walks.append(np.stack([np.diag(np.linalg.matrix_power(step, k + 1)) for k in range(WALKS)], 1))
        root = np.sqrt(np.maximum(degree, 1))
        values, vectors = np.linalg.eigh(np.diag((degree > 0) * 1.0) - dense / root[:, None] / root[None, :])
        rows = np.zeros((size, PAIRS, 2))
        found = min(size, PAIRS)
        rows[:, :found, 0], rows[:, :found, 1] = np.maximum(values[:found], 0), vectors[:, :found]
        laplacian.append(rows)
        starts.append(starts[-1] + size)
    bond_columns = np.stack([np.repeat(random.integers(0, n, len(edges) // 2), 2) for n in EDGE_SIZES], 1)
    node_columns = np.stack([random.integers(0, n, starts[-1]) for n in NODE_SIZES], 1)
    return Graphs(
        torch.tensor(node_columns),
        torch.tensor(edges),
        torch.tensor(bond_columns),
        torch.tensor(starts),
        torch.tensor(np.concatenate(walks).astype(np.float32).astype(float)),
        torch.tensor(np.concatenate(laplacian).astype(np.float32).astype(float)),
    )


# Models, written from the formulas


def norm(kind: str, width: int) -> nn.Module:
    return nn.BatchNorm1d(width) if kind == "batch" else nn.LayerNorm(width)


def into(rows: Tensor, target: Tensor, n: int) -> Tensor:
    return torch.zeros(n, rows.shape[1]).index_add(0, target, rows)


class Gine(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x: Tensor, e: Tensor, graphs: Graphs) -> Tensor:
        source, target = graphs.edges.T
        return self.second(torch.relu(self.first(x + into(torch.relu(x[source] + e), target, len(x)))))


class GineLayer(Gine):
    def __init__(self, config: dict, last: bool) -> None:
        super().__init__(config["hidden_size"])
        self.norm = norm(config["norm"], config["hidden_size"])

    def forward(self, x: Tensor, e: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
        return self.norm(x + super().forward(x, e, graphs)), e


class GatedLayer(nn.Module):
    def __init__(self, config: dict, last: bool, parallel: bool) -> None:
        super().__init__()
        d = config["hidden_size"]
        for name in "abcde":
            setattr(self, name, nn.Linear(d, d))
        self.node_norm = norm(config["norm"], d)
        self.edge_norm = None if last else norm(config["norm"], d)
        self.norm = norm(config["norm"], d) if parallel else None

    def forward(self, x: Tensor, e: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
        source, target = graphs.edges.T
        gates = self.d(x)[target] + self.e(x)[source] + self.c(e)
        sigma = torch.sigmoid(gates)
        sums, weights = into(sigma * self.b(x)[source], target, len(x)), into(sigma, target, len(x))
        x = x + torch.relu(self.node_norm(self.a(x) + sums / (weights + 1e-6)))
        e = e if self.edge_norm is None else e + torch.relu(self.edge_norm(gates))
        return (x if self.norm is None else self.norm(x)), e


class StructureExtractor(nn.Module):
    def __init__(self, d: int, k: int) -> None:
        super().__init__()
        self.gnn = nn.ModuleList([Gine(d) for _ in range(k)])
        self.norm = nn.BatchNorm1d((k + 1) * d)
        self.output = nn.Linear((k + 1) * d, d)

    def forward(self, x: Tensor, e: Tensor, graphs: Graphs) -> Tensor:
        levels = [x]
        for gnn in self.gnn:
            levels.append(torch.relu(gnn(levels[-1], e, graphs)))
        return self.output(self.norm(torch.cat(levels, 1)))


def kernel(config: dict, adjacency: np.ndarray) -> Tensor:
    degree = adjacency.sum(1)
    safe, there = np.maximum(degree, 1), np.diag((degree > 0) * 1.0)
    laplacian = {
        "none": np.diag(degree) - adjacency,
        "symmetric": there - adjacency / np.sqrt(safe)[:, None] / np.sqrt(safe)[None, :],
        "random_walk": there - adjacency / safe[:, None],
    }[config["laplacian"]]
    if config["kind"] == "diffusion":
        dense = scipy.linalg.expm(-config["beta"] * laplacian)
    else:
        dense = np.linalg.matrix_power(np.eye(len(adjacency)) - config["beta"] * laplacian, config["steps"])
    return torch.tensor(dense, dtype=torch.float64)


class Attention(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        d, kind = config["hidden_size"], config["attention"]
        self.heads, self.kind = config["num_attention_heads"], kind
        if kind["kind"] == "plain":
            self.query_key_value = nn.Linear(d, 3 * d)
        elif kind["kind"] == "sat":
            self.value, self.key_query = nn.Linear(d, d, bias=False), nn.Linear(d, 2 * d, bias=False)
            self.structure = StructureExtractor(d, kind["k"])
        else:
            self.query_value = nn.Linear(d, 2 * d, bias=False)
        self.output = nn.Linear(d, d)

    def forward(self, x: Tensor, e: Tensor, graphs: Graphs) -> Tensor:
        if self.kind["kind"] == "plain":
            q, k, v = self.query_key_value(x).chunk(3, 1)
        elif self.kind["kind"] == "sat":
            (k, q), v = self.key_query(self.structure(x, e, graphs)).chunk(2, 1), self.value(x)
        else:
            (q, v) = self.query_value(x).chunk(2, 1)
            k = q
        mixed = []
        for graph, size in enumerate(graphs.sizes):
            start = int(graphs.starts[graph])
            a, b, c = (y[start : start + size].view(size, self.heads, -1).transpose(0, 1) for y in (q, k, v))
            scores = a @ b.transpose(1, 2) / a.shape[-1] ** 0.5
            if self.kind["kind"] == "graphi_t":
                weights = torch.exp(scores - scores.amax(-1, keepdim=True).detach())
                weights = weights * kernel(self.kind["kernel"], graphs.adjacency(graph))
                weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)
            else:
                weights = torch.softmax(scores, -1)
            mixed.append((weights @ c).transpose(0, 1).reshape(size, -1))
        return self.output(torch.cat(mixed))


class Layer(nn.Module):
    def __init__(self, config: dict, step: str, last: bool) -> None:
        super().__init__()
        d, self.step, self.kind = config["hidden_size"], step, config["attention"]["kind"]
        if step != "attention":
            gated = config["message"] == "gated_gcn"
            self.message = GatedLayer(config, last, step == "parallel") if gated else GineLayer(config, last)
        if step != "message":
            self.attention = Attention(config)
            self.norm1, self.norm2 = norm(config["norm"], d), norm(config["norm"], d)
            self.first, self.second = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)

    def forward(self, x: Tensor, e: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
        if self.step == "message":
            return self.message(x, e, graphs)
        attended = self.attention(x, e, graphs)
        if self.step == "attention" and self.kind != "plain":
            degree = graphs.degree + (1 if self.kind == "graphi_t" else 0)
            attended = attended / degree.clamp(min=1).sqrt()[:, None]
        attended = self.norm1(x + attended)
        if self.step == "parallel":
            local, e = self.message(x, e, graphs)
            attended = local + attended
        return self.norm2(attended + self.second(torch.relu(self.first(attended)))), e


class Features(nn.Module):
    def __init__(self, sizes: list[int], width: int) -> None:
        super().__init__()
        self.starts = torch.tensor([0, *np.cumsum(sizes)[:-1].tolist()])
        self.weight = nn.Parameter(torch.randn(sum(sizes), width))

    def forward(self, columns: Tensor) -> Tensor:
        return self.weight[columns + self.starts].sum(1)


class Walks(nn.Module):
    def __init__(self, position: int) -> None:
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(WALKS), nn.Linear(WALKS, position)

    def forward(self, walks: Tensor) -> Tensor:
        return self.linear(self.norm(walks))


class Laplacian(nn.Module):
    def __init__(self, position: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 2 * position), nn.Linear(2 * position, position)

    def forward(self, pairs: Tensor, graphs: Graphs) -> Tensor:
        hidden = torch.relu(self.second(torch.relu(self.first(pairs))))
        sizes = torch.tensor(graphs.sizes).repeat_interleave(torch.tensor(graphs.sizes))
        there = torch.arange(PAIRS)[None, :] < sizes[:, None]
        return (hidden * there[:, :, None]).sum(1)


class GraphTransformer(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        d, position, plan = config["hidden_size"], config["position_size"], config["layers"]
        count = (config["random_walk_steps"] > 0) + config["laplacian"]
        self.nodes = Features(NODE_SIZES, d - count * position)
        self.random_walks = Walks(position) if config["random_walk_steps"] else None
        self.laplacian = Laplacian(position) if config["laplacian"] else None
        if plan["arrangement"] == "on_top":
            steps = ["message"] * plan["message"] + ["attention"] * plan["attention"]
        elif plan["arrangement"] == "alternating":
            steps = ["message", "attention"] * plan["pairs"]
        else:
            steps = ["parallel"] * plan["layers"]
        edges = [i for i, s in enumerate(steps) if s != "attention" or config["attention"]["kind"] == "sat"]
        self.edges = Features(EDGE_SIZES, d) if edges else None
        self.layers = nn.ModuleList([Layer(config, s, not edges or i >= edges[-1]) for i, s in enumerate(steps)])
        self.mean = config["pooling"] == "mean"

    def forward(self, graphs: Graphs) -> dict[str, Tensor]:
        parts = [self.nodes(graphs.node_features)]
        if self.random_walks is not None:
            parts.append(self.random_walks(graphs.random_walks))
        if self.laplacian is not None:
            parts.append(self.laplacian(graphs.laplacian, graphs))
        x, e = torch.cat(parts, 1), None if self.edges is None else self.edges(graphs.edge_features)
        outputs = {"layer.0": x}
        for i, layer in enumerate(self.layers):
            x, e = layer(x, e, graphs)
            outputs[f"layer.{i + 1}"] = x
        sizes = torch.tensor(graphs.sizes)
        pooled = into(x, torch.arange(len(sizes)).repeat_interleave(sizes), len(sizes))
        outputs["pooled"] = pooled / sizes[:, None] if self.mean else pooled
        return outputs


def config(**changes: Any) -> dict[str, Any]:
    base = {
        "node_sizes": NODE_SIZES,
        "edge_sizes": EDGE_SIZES,
        "hidden_size": 16,
        "num_attention_heads": 4,
        "random_walk_steps": 0,
        "laplacian": False,
        "position_size": 5,
        "layers": {"arrangement": "parallel", "layers": 2},
        "message": "gine",
        "attention": {"kind": "plain"},
        "norm": "batch",
        "pooling": "sum",
    }
    return base | changes


def graphit(**kernel: Any) -> dict[str, Any]:
    return {"kind": "graphi_t", "kernel": kernel}


CASES: dict[str, dict[str, Any]] = {
    "gps_gine": config(random_walk_steps=WALKS),
    "gps_gated": config(message="gated_gcn", norm="layer", laplacian=True, pooling="mean"),
    "gps_gated_batch": config(message="gated_gcn", random_walk_steps=WALKS, laplacian=True),
    "on_top": config(layers={"arrangement": "on_top", "message": 2, "attention": 1}, message="gated_gcn"),
    "alternating": config(layers={"arrangement": "alternating", "pairs": 2}, norm="layer"),
    "sat": config(
        layers={"arrangement": "on_top", "message": 0, "attention": 2},
        attention={"kind": "sat", "k": 2},
        random_walk_steps=WALKS,
    ),
    "graphit_diffusion": config(
        layers={"arrangement": "on_top", "message": 0, "attention": 2},
        attention=graphit(kind="diffusion", beta=1.0, laplacian="symmetric"),
        laplacian=True,
        norm="layer",
    ),
    "graphit_walk": config(
        layers={"arrangement": "on_top", "message": 0, "attention": 2},
        attention=graphit(kind="random_walk", beta=0.5, steps=3, laplacian="random_walk"),
    ),
    "graphit_none": config(
        layers={"arrangement": "alternating", "pairs": 1},
        attention=graphit(kind="diffusion", beta=0.3, laplacian="none"),
    ),
}


def randomise(model: nn.Module, seed: int) -> None:
    """Weights that are far from what they start as, so that a wrong order of operations shows."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        scale = 1.2 / tensor.shape[1] ** 0.5 if tensor.dim() > 1 else 0.3
        values = torch.randn(tensor.shape, generator=generator) * scale
        if name.endswith("running_var"):
            values = 4 + values.abs()  # keeps activations near 1, where f32 can be told from a wrong formula
        elif tensor.dim() == 1 and name.endswith("weight"):
            values = 1 + values
        tensor.copy_(values.float())  # as the file has them


def against_torch_geometric(model: GraphTransformer, graphs: Graphs) -> None:
    """The last GPS layer on its own, by GPSConv over GINEConv."""
    try:
        from torch_geometric.nn import GINEConv, GPSConv
    except ImportError:
        print("torch_geometric is not there: GPSConv was not compared", file=sys.stderr)
        return
    layer, d = copy.deepcopy(model.layers[-1]), 16
    local = GINEConv(nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d)))  # resets what it is given
    local.nn[0], local.nn[2] = layer.message.first, layer.message.second
    conv = GPSConv(d, nn.Identity(), heads=4)
    conv.conv = local
    qkv, out = layer.attention.query_key_value, layer.attention.output
    conv.attn.in_proj_weight.copy_(qkv.weight)
    conv.attn.in_proj_bias.copy_(qkv.bias)
    conv.attn.out_proj.weight.copy_(out.weight)
    conv.attn.out_proj.bias.copy_(out.bias)
    conv.mlp[0], conv.mlp[3] = layer.first, layer.second
    for i, own in enumerate([layer.message.norm, layer.norm1, layer.norm2], 1):
        getattr(conv, f"norm{i}").module.load_state_dict(own.state_dict())
    conv.eval()
    outputs = model(graphs)
    x, e = outputs[f"layer.{len(model.layers) - 1}"], model.edges(graphs.edge_features)
    sizes = torch.tensor(graphs.sizes)
    batch = torch.arange(len(sizes)).repeat_interleave(sizes)
    theirs = conv(x, graphs.edges.T, batch, edge_attr=e)
    worst = float((theirs - outputs[f"layer.{len(model.layers)}"]).abs().max())
    if worst > TOLERANCE:
        raise SystemExit(f"GPSConv differs by {worst}")
    print(f"torch_geometric's GPSConv agrees within {worst:.1e}")


def step(model: GraphTransformer, graphs: Graphs) -> dict[str, Tensor]:
    """A training step without dropout: running statistics after it, and gradients of sum(pooled * weights)."""
    model.train()
    pooled = model(graphs)["pooled"]
    weights = torch.linspace(-1, 1, pooled.numel()).view_as(pooled)
    (pooled * weights).sum().backward()
    found = {f"gradient.{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    running = {f"after.{name}": t for name, t in model.state_dict().items() if "running" in name}
    return found | running | {"train.pooled": pooled.detach(), "train.weights": weights}


def save(tensors: dict[str, Tensor], path: Path) -> None:
    """In f32 what is in f64."""
    single = {n: t.float() if t.dtype == torch.float64 else t for n, t in tensors.items()}
    save_file({n: t.detach().contiguous() for n, t in single.items()}, path)
    path.chmod(0o644)


def make(folder: Path) -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)  # expected values are exact to f32
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(metrics()) + "\n")
    graphs = make_graphs()
    inputs = {
        "node_features": graphs.node_features.to(torch.uint8),
        "edges": graphs.edges.to(torch.int32),
        "edge_features": graphs.edge_features.to(torch.uint8),
        "starts": graphs.starts.to(torch.int32),
        "random_walks": graphs.random_walks,
        "laplacian": graphs.laplacian.reshape(graphs.nodes, -1),
    }
    save(inputs, folder / "graphs.safetensors")
    for seed, (name, settings) in enumerate(CASES.items()):
        case = folder / name
        case.mkdir(exist_ok=True)
        model = GraphTransformer(settings)
        with torch.no_grad():
            randomise(model, seed)
            model.eval()
            if name == "gps_gine":
                against_torch_geometric(model, graphs)
            outputs = model(graphs)
        state = {n: t.clone() for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")}
        (case / "config.json").write_text(json.dumps(settings, indent=1) + "\n")
        save(state, case / "model.safetensors")
        save(outputs | step(model, graphs), case / "golden.safetensors")


def check(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        make(Path(made))
        for path in sorted(Path(made).rglob("*")):
            committed = folder / path.relative_to(made)
            if path.suffix == ".json" and path.read_text() != committed.read_text():
                raise SystemExit(f"{committed}: differs")
            if path.suffix == ".safetensors":
                new, old = load_file(path), load_file(committed)
                if new.keys() != old.keys():
                    raise SystemExit(f"{committed}: other tensors")
                for name in new:
                    torch.testing.assert_close(new[name], old[name], rtol=TOLERANCE, atol=TOLERANCE, msg=name)
    print("the committed fixtures are what this script makes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing")
    check(GOLDEN_DIR) if parser.parse_args().check else make(GOLDEN_DIR)


if __name__ == "__main__":
    main()
