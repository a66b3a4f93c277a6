#!/usr/bin/env python3
"""Make the protein golden fixtures under `tests/golden/`.

Small seeded random checkpoints of ESM-2, ESM-1b and ESM-1v are written in every layout that users have on disk, and
the reference packages (fair-esm 2.0.0 and transformers) compute what each block must give. Both packages run every
sequence alone and in one padded batch; all four answers must agree before a value is written.

    python scripts/make_protein_goldens.py            # write tests/golden
    python scripts/make_protein_goldens.py --check    # make them again and compare with the committed files
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import esm
import torch
from esm.pretrained import load_model_and_alphabet_local
from safetensors.torch import load_file, save_file
from transformers import EsmConfig, EsmForMaskedLM
from transformers import logging as transformers_logging

GOLDEN_DIR = Path(__file__).resolve().parent.parent / "tests" / "golden"
TOLERANCE = 1e-5  # fair-esm against transformers, and alone against padded
RECOMPUTE_MIN = 1e-3  # a loader that recomputes inv_freq must be wrong by more than this
BLOCK_SEQUENCE = 4  # the sequence whose block 0 is written step by step
LONG_SEQUENCE = 6  # of this one only the last layer is written
CONTACT_SEQUENCES = (3, 4, 5)
TRANSFORMERS_PREFIX = "esm."

Tensors = dict[str, torch.Tensor]


def long_protein(length: int = 300, seed: int = 300) -> str:
    """A random protein of the 20 standard amino acids."""
    generator = torch.Generator().manual_seed(seed)
    letters = "LAGVSERTIDPKQNFYMHWC"
    picks = torch.randint(len(letters), (length,), generator=generator)
    return "M" + "".join(letters[i] for i in picks.tolist()[1:])


# The first four are the sample data of transformers' own ESM converter: masks stand at residues 13, 34 and 53.
SEQUENCES: list[tuple[str, str]] = [
    ("protein65", "MKTVRQERLKSIVRILERSKEPVSGAQLAEELSVSRQVIVQDIAYLRSLGYNIVATPRGYVLAGG"),
    ("protein63", "MKTVRQERLKSIVRILERSKEPVSGAQLAEELSVSRQVIVQDIAYLRSLGYNIVATPRGYVLA"),
    ("masked65", "MKTVRQERLKSI<mask>RILERSKEPVSGAQLAEELS<mask>SRQVIVQDIAYLRSLGYN<mask>VATPRGYVLAGG"),
    ("masked63", "MKTVRQERLKSI<mask>RILERSKEPVSGAQLAEELS<mask>SRQVIVQDIAYLRSLGYN<mask>VATPRGYVLA"),
    ("odd_letters", "MKXLBAZGUVOS.E-RTIDPKQNFY<mask>MHWC"),
    ("short5", "MKTAY"),
    ("long300", long_protein()),
]


@dataclass(frozen=True)
class Case:
    """One seeded checkpoint: its family, its shape, and the layouts it is written in."""

    name: str
    family: str  # esm2, esm1b, esm1v
    layers: int
    width: int
    heads: int
    seed: int
    layouts: dict[str, str]  # layout -> path below tests/golden
    contacts: bool = True
    half: bool = False  # weights are float16 numbers, stored so in the fair-esm file (as in ESM-2 3B and 15B)

    @property
    def rotary(self) -> bool:
        """ESM-2 rotates queries and keys; ESM-1b and ESM-1v add learned positions."""
        return self.family == "esm2"


TINY_LAYOUTS = {
    "hf_hub": "esm2_hf_hub",
    "hf_v5": "esm2_hf_v5",
    "hf_bin": "esm2_hf_bin",
    "fair": "esm2_fair_half/esm2_t1_half.pt",
}
CASES: list[Case] = [
    Case("esm2_hf", "esm2", 3, 40, 4, 1, {"hf": "esm2_hf"}),
    Case("esm2_tiny", "esm2", 1, 16, 2, 2, TINY_LAYOUTS, half=True),
    Case("esm2_fair", "esm2", 2, 64, 2, 4, {"fair": "esm2_fair/esm2_t2_tiny.pt"}),
    Case("esm1b_fair", "esm1b", 2, 24, 4, 6, {"fair": "esm1b_fair/esm1b_t2_tiny.pt", "hf": "esm1b_hf"}),
    Case("esm1v_fair", "esm1v", 2, 16, 2, 7, {"fair": "esm1v_fair/esm1v_t2_tiny.pt", "hf": "esm1v_hf"}, contacts=False),
]


# ---------------------------------------------------------------------------------------------- random checkpoints


def random_parameter(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Values large enough that a wrong order of operations shows: nothing is left at its initial 0 or 1."""
    noise = torch.randn(shape, generator=generator)
    if name.startswith("contact_head"):
        return 0.5 * noise
    if "embed" in name:
        return 0.3 * noise
    if len(shape) == 2:
        return max(0.1, 1.0 / shape[1] ** 0.5) * noise
    if "layer_norm" in name and name.endswith("weight"):
        return 1.0 + 0.2 * noise
    return 0.2 * noise


def perturbed_inv_freq(head_width: int) -> torch.Tensor:
    """Rotary frequencies that neither a recomputation nor a recomputation rounded to fp16 gives."""
    exact = 1.0 / (10000 ** (torch.arange(0, head_width, 2).float() / head_width))
    factor = 1.0 + 0.01 * torch.where(torch.arange(len(exact)) % 2 == 0, 1.0, -1.0)
    return (exact * factor).half().float()


def fair_args(case: Case) -> argparse.Namespace:
    """The `args` of an ESM-1b or ESM-1v checkpoint of fair-esm, names as upstream's files spell them."""
    return argparse.Namespace(
        arch="roberta_large",
        encoder_layers=case.layers,
        encoder_embed_dim=case.width,
        encoder_ffn_embed_dim=4 * case.width,
        encoder_attention_heads=case.heads,
        max_positions=1024,
        token_dropout=True,
    )


def empty_fair_model(case: Case) -> torch.nn.Module:
    """An uninitialised fair-esm model of the case's shape."""
    if case.rotary:
        return esm.ESM2(case.layers, case.width, case.heads, token_dropout=True)
    fields = {key.removeprefix("encoder_"): value for key, value in vars(fair_args(case)).items()}
    args = argparse.Namespace(**fields, emb_layer_norm_before=case.family == "esm1b")
    return esm.ProteinBertModel(args, esm.Alphabet.from_architecture("roberta_large"))


def random_fair_state(case: Case) -> Tensors:
    """A seeded state dict under fair-esm's stripped key names, with `lm_head.weight` tied by storage."""
    generator = torch.Generator().manual_seed(case.seed)
    state: Tensors = {}
    for name, tensor in empty_fair_model(case).state_dict().items():
        if name.endswith("inv_freq"):
            state[name] = perturbed_inv_freq(case.width // case.heads)
        elif name == "lm_head.weight":
            state[name] = state["embed_tokens.weight"]
        else:
            state[name] = random_parameter(name, tensor.shape, generator)
    if case.half:
        half = {name: tensor.half() for name, tensor in state.items()}
        state = {**half, "lm_head.weight": half["embed_tokens.weight"]}
    return state


# ------------------------------------------------------------------------------------------------- layouts on disk

HF_NAMES = [
    ("embed_tokens.", "embeddings.word_embeddings."),
    ("embed_positions.", "embeddings.position_embeddings."),
    ("emb_layer_norm_before.", "embeddings.layer_norm."),
    ("emb_layer_norm_after.", "encoder.emb_layer_norm_after."),
    ("layers.", "encoder.layer."),
    (".self_attn_layer_norm.", ".attention.LayerNorm."),
    (".self_attn.q_proj.", ".attention.self.query."),
    (".self_attn.k_proj.", ".attention.self.key."),
    (".self_attn.v_proj.", ".attention.self.value."),
    (".self_attn.out_proj.", ".attention.output.dense."),
    (".self_attn.rot_emb.", ".attention.self.rotary_embeddings."),
    (".final_layer_norm.", ".LayerNorm."),
    (".fc1.", ".intermediate.dense."),
    (".fc2.", ".output.dense."),
]


def hf_name(name: str) -> str:
    """The Hugging Face key of a fair-esm key."""
    if name == "lm_head.weight":
        return "lm_head.decoder.weight"
    if name.startswith("lm_head."):
        return name
    for fair, hugging in HF_NAMES:
        name = name.replace(fair, hugging)
    return TRANSFORMERS_PREFIX + name


def hf_state(case: Case, state: Tensors) -> Tensors:
    """The same weights under the names of Hugging Face's published ESM files (per-layer `inv_freq`)."""
    named = {hf_name(name): tensor.float().clone() for name, tensor in state.items()}
    if not case.rotary:  # fair-esm's loader for ESM-1 zeroes this row, and the converter copies the loaded model
        named["esm.embeddings.word_embeddings.weight"][32] = 0.0
    del named["lm_head.decoder.weight"]  # tied
    return named


def hf_config(case: Case) -> EsmConfig:
    """The configuration that transformers' converter writes for the family."""
    return EsmConfig(
        vocab_size=33, mask_token_id=32, pad_token_id=1, hidden_size=case.width, num_hidden_layers=case.layers,
        num_attention_heads=case.heads, intermediate_size=4 * case.width, max_position_embeddings=1026,
        layer_norm_eps=1e-5, attention_probs_dropout_prob=0.0, hidden_dropout_prob=0.0,
        emb_layer_norm_before=case.family == "esm1b", token_dropout=True,
        position_embedding_type="rotary" if case.rotary else "absolute",
    )  # fmt: skip


def write_hf_sidecars(case: Case, folder: Path) -> None:
    """`config.json` and `vocab.txt` as the hub has them."""
    folder.mkdir(parents=True, exist_ok=True)
    config = hf_config(case)
    config.architectures = ["EsmForMaskedLM"]
    config.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(esm.Alphabet.from_architecture("ESM-1b").all_toks))


def write_hf(case: Case, state: Tensors, folder: Path) -> None:
    """A folder with `model.safetensors`, per-layer `inv_freq`, no tied copy of the embedding."""
    write_hf_sidecars(case, folder)
    save_file(hf_state(case, state), folder / "model.safetensors", metadata={"format": "pt"})


def write_hf_hub(case: Case, state: Tensors, folder: Path) -> None:
    """As `write_hf`, with everything that published ESM-2 files carry and a model never uses."""
    write_hf_sidecars(case, folder)
    generator = torch.Generator().manual_seed(case.seed + 1000)
    named = hf_state(case, state)
    named["lm_head.decoder.weight"] = named["esm.embeddings.word_embeddings.weight"].clone()
    named["esm.embeddings.position_embeddings.weight"] = torch.randn(1026, case.width, generator=generator)
    named["esm.embeddings.position_ids"] = torch.arange(1026).unsqueeze(0)
    save_file(named, folder / "model.safetensors", metadata={"format": "pt"})


def write_hf_bin(case: Case, state: Tensors, folder: Path) -> None:
    """A folder with `pytorch_model.bin` (a zip of pickles), the tied weight sharing its storage."""
    write_hf_sidecars(case, folder)
    named = hf_state(case, state)
    named["lm_head.decoder.weight"] = named["esm.embeddings.word_embeddings.weight"]
    torch.save(named, folder / "pytorch_model.bin")


def write_hf_v5(case: Case, state: Tensors, folder: Path) -> None:
    """A folder exactly as `save_pretrained` of the installed transformers writes it."""
    with tempfile.TemporaryDirectory() as scratch:
        write_hf(case, state, Path(scratch))
        load_hf(Path(scratch)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(esm.Alphabet.from_architecture("ESM-1b").all_toks))


def write_fair(case: Case, state: Tensors, path: Path) -> None:
    """A fair-esm `.pt` with its `-contact-regression.pt` where upstream has one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model, regression = {}, {}
    for name, tensor in state.items():
        if name.startswith("contact_head."):
            regression[name] = tensor.clone()
        elif name.startswith("lm_head."):
            model[f"encoder.{name}"] = tensor
        else:
            model[f"encoder.sentence_encoder.{name}"] = tensor
    if case.rotary:
        fields = vars(fair_args(case)) | {"arch": "roberta_base", "max_positions": 1024}
        torch.save({"cfg": {"model": argparse.Namespace(**fields)}, "model": model}, path)
    else:
        torch.save({"args": fair_args(case), "model": model}, path)
    if case.contacts:
        torch.save({"model": regression}, path.with_name(path.stem + "-contact-regression.pt"))


WRITERS = {
    "hf": write_hf,
    "hf_hub": write_hf_hub,
    "hf_bin": write_hf_bin,
    "hf_v5": write_hf_v5,
    "fair": write_fair,
}


# --------------------------------------------------------------------------------------------- the reference answers


def load_fair(path: Path) -> torch.nn.Module:
    """Load a `.pt` by upstream's own loader (torch >= 2.6 needs `argparse.Namespace` to be allowed)."""
    with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_model_and_alphabet_local(str(path))[0].eval()


def load_hf(folder: Path) -> EsmForMaskedLM:
    """Load a folder by transformers and refuse missing, unexpected and misshapen keys."""
    model, report = EsmForMaskedLM.from_pretrained(
        folder, attn_implementation="eager", output_loading_info=True, dtype=torch.float32
    )
    troubles = {kind: keys for kind, keys in report.items() if keys}
    demand(not troubles, f"{folder}: transformers reports {troubles}")
    return model.eval()


def encode(sequences: list[str]) -> torch.Tensor:
    """Padded token ids `[b, t]` by fair-esm's batch converter."""
    converter = esm.Alphabet.from_architecture("ESM-1b").get_batch_converter()
    return converter([("", sequence) for sequence in sequences])[2]


@torch.no_grad()
def fair_outputs(model: torch.nn.Module, tokens: torch.Tensor, contacts: bool) -> Tensors:
    """Layers, logits and contacts of a padded batch by fair-esm."""
    out = model(tokens, repr_layers=list(range(model.num_layers + 1)), return_contacts=contacts)
    named = {f"layer.{layer}": value for layer, value in out["representations"].items()}
    return named | {"logits": out["logits"]} | ({"contacts": out["contacts"]} if contacts else {})


@torch.no_grad()
def hf_outputs(model: EsmForMaskedLM, tokens: torch.Tensor, contacts: bool) -> Tensors:
    """The same by transformers, with the attention mask."""
    mask = (tokens != 1).long()
    out = model(tokens, attention_mask=mask, output_hidden_states=True)
    named = {f"layer.{layer}": value for layer, value in enumerate(out.hidden_states)}
    named["logits"] = out.logits
    if contacts:
        named["contacts"] = model.predict_contacts(tokens, mask)
    return named


def unpad(outputs: Tensors, row: int, tokens: int) -> Tensors:
    """One sequence of a batch, cut to its own tokens (contacts: to its residues)."""
    cut = {name: value[row, :tokens] for name, value in outputs.items() if name != "contacts"}
    if "contacts" in outputs:
        cut["contacts"] = outputs["contacts"][row, : tokens - 2, : tokens - 2]
    return cut


def every_sequence(run, contacts: bool) -> dict[str, list[Tensors]]:
    """Answers per sequence, once `alone` and once from one `padded` batch of all."""
    texts = [text for _, text in SEQUENCES]
    lengths = [encode([text]).shape[1] for text in texts]
    padded = run(encode(texts), contacts)
    return {
        "alone": [unpad(run(encode([text]), contacts), 0, n) for text, n in zip(texts, lengths)],
        "padded": [unpad(padded, row, n) for row, n in enumerate(lengths)],
    }


def largest_difference(left: list[Tensors], right: list[Tensors]) -> float:
    """The largest absolute difference between two lists of answers."""
    return max((a[name] - b[name]).abs().max().item() for a, b in zip(left, right) for name in a)


@torch.no_grad()
def block_steps(model: torch.nn.Module, tokens: torch.Tensor) -> Tensors:
    """What happens inside block 0 of a fair-esm model for one unpadded sequence, step by step."""
    layer, steps = model.layers[0], {}
    keep = lambda name: lambda _module, _inputs, output: steps.__setitem__(name, output)  # noqa: E731
    hooks = [
        layer.self_attn_layer_norm.register_forward_hook(keep("attention_norm")),
        layer.self_attn.register_forward_hook(lambda _m, _i, out: steps.__setitem__("attention", out[0])),
        layer.final_layer_norm.register_forward_pre_hook(lambda _m, inputs: steps.__setitem__("residual", inputs[0])),
        layer.register_forward_hook(lambda _m, _i, out: steps.__setitem__("output", out[0])),
    ]
    model(tokens)
    for hook in hooks:
        hook.remove()
    steps = {name: value[:, 0].clone() for name, value in steps.items()}  # [t, b, d] -> [t, d]
    return steps | query_key_value(layer.self_attn, steps["attention_norm"])


def query_key_value(attention: torch.nn.Module, x: torch.Tensor) -> Tensors:
    """Query (scaled, then rotated), key (rotated) and value as `[h, t, k]`."""
    split = lambda y: y.view(len(y), attention.num_heads, -1).transpose(0, 1)  # noqa: E731  [t, d] -> [h, t, k]
    query = split(attention.q_proj(x) * attention.scaling)
    key, value = split(attention.k_proj(x)), split(attention.v_proj(x))
    if attention.rot_emb is not None:
        query, key = attention.rot_emb(query, key)
    return {"query": query, "key": key, "value": value}


# --------------------------------------------------------------------------------------------------------- goldens


def golden_tensors(case: Case, answers: list[Tensors], model: torch.nn.Module) -> Tensors:
    """The tensors of `golden.safetensors`; see tests/golden/README.md for the names."""
    golden: Tensors = {}
    for i, ((_, text), answer) in enumerate(zip(SEQUENCES, answers)):
        golden[f"tokens.{i}"] = encode([text])[0]
        golden[f"logits.{i}"] = answer["logits"]
        for layer in range(case.layers + 1):
            value = answer[f"layer.{layer}"]
            golden[f"mean.{layer}.{i}"] = value[1:-1].mean(0)
            if i != LONG_SEQUENCE or layer == case.layers:
                golden[f"layer.{layer}.{i}"] = value
        if i in CONTACT_SEQUENCES and case.contacts:
            golden[f"contacts.{i}"] = answer["contacts"]
    steps = block_steps(model, encode([SEQUENCES[BLOCK_SEQUENCE][1]]))
    golden |= {f"block0.{name}.{BLOCK_SEQUENCE}": value for name, value in steps.items()}
    return {name: value.contiguous().clone() for name, value in golden.items()}


def recompute_error(case: Case, model: torch.nn.Module, rounded: bool) -> float:
    """How wrong the last layer and the logits get when `inv_freq` is recomputed."""
    width = case.width // case.heads
    inv_freq = 1.0 / (10000 ** (torch.arange(0, width, 2).float() / width))
    inv_freq = inv_freq.half().float() if rounded else inv_freq
    right = every_sequence(lambda *a: fair_outputs(model, *a), False)["alone"]
    kept = [layer.self_attn.rot_emb.inv_freq for layer in model.layers]
    for layer in model.layers:
        layer.self_attn.rot_emb.inv_freq = inv_freq
        layer.self_attn.rot_emb._seq_len_cached = None
    wrong = every_sequence(lambda *a: fair_outputs(model, *a), False)["alone"]
    for layer, value in zip(model.layers, kept):
        layer.self_attn.rot_emb.inv_freq = value
        layer.self_attn.rot_emb._seq_len_cached = None
    last = f"layer.{case.layers}"
    return min((a[last] - b[last]).abs().max().item() for a, b in zip(right, wrong))


def demand(condition: bool, message: str) -> None:
    """Stop with a message unless the condition holds."""
    if not condition:
        raise SystemExit(f"make_protein_goldens: {message}")


def fair_model_of(case: Case, state: Tensors) -> torch.nn.Module:
    """The case as upstream's loader makes it from a `.pt`."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"{case.family}_scratch.pt"
        write_fair(case, state, path)
        return load_fair(path)


def make_case(case: Case, root: Path) -> None:
    """Write the layouts of one case and its golden values, and check that all references agree."""
    state = random_fair_state(case)
    for layout, place in case.layouts.items():
        WRITERS[layout](case, state, root / place)
    fair = fair_model_of(case, state)
    reference = every_sequence(lambda *a: fair_outputs(fair, *a), case.contacts)
    spread = largest_difference(reference["alone"], reference["padded"])
    print(f"{case.name}: fair-esm alone / padded {spread:.1e}", end="")
    demand(spread <= TOLERANCE, f"{case.name}: padding changes fair-esm by {spread}")
    for folder in hf_folders(case, state, root):
        check_against_transformers(case, folder, reference["alone"])
    if case.rotary:
        wrong = [recompute_error(case, fair, rounded) for rounded in (False, True)]
        print(f", inv_freq recomputed {wrong[0]:.1e}, recomputed and rounded {wrong[1]:.1e}", end="")
        demand(min(wrong) > RECOMPUTE_MIN, f"{case.name}: recomputing inv_freq is not noticed")
    print()
    folder = root / case.name
    folder.mkdir(exist_ok=True)
    save_file(golden_tensors(case, reference["alone"], fair), folder / "golden.safetensors")


def hf_folders(case: Case, state: Tensors, root: Path) -> list[Path]:
    """The Hugging Face folders of a case; a passing one where the case is kept in fair-esm's layout only."""
    folders = [root / place for layout, place in case.layouts.items() if layout != "fair"]
    if not folders:
        folders = [root.parent / f"{root.name}-{case.name}"]
        write_hf(case, state, folders[0])
    return folders


def check_against_transformers(case: Case, folder: Path, expected: list[Tensors]) -> None:
    """transformers must load the folder and agree, alone and padded."""
    model = load_hf(folder)
    for how, answers in every_sequence(lambda *a: hf_outputs(model, *a), case.contacts).items():
        difference = largest_difference(expected, answers)
        print(f", transformers {folder.name} {how} {difference:.1e}", end="")
        demand(difference <= TOLERANCE, f"{case.name}: transformers {how} differs by {difference}")


def write_index(root: Path) -> None:
    """`cases.json` (checkpoint -> golden file) and `sequences.tsv` (index, name, text)."""
    index = [
        {"checkpoint": place, "layout": layout, "family": case.family, "golden": f"{case.name}/golden.safetensors",
         "layers": case.layers, "width": case.width, "heads": case.heads, "contacts": case.contacts}
        for case in CASES for layout, place in case.layouts.items()
    ]  # fmt: skip
    (root / "cases.json").write_text(json.dumps(index, indent=2) + "\n")
    rows = [f"{i}\t{name}\t{text}\n" for i, (name, text) in enumerate(SEQUENCES)]
    (root / "sequences.tsv").write_text("".join(rows))


# ----------------------------------------------------------------------------------------------------------- check


def flat_tensors(path: Path) -> Tensors:
    """All tensors of a fixture file, whatever its format."""
    if path.suffix == ".safetensors":
        return load_file(path)
    with torch.serialization.safe_globals([argparse.Namespace]):
        data = torch.load(path)
    return data.get("model", data)


def differs(made: Path, kept: Path) -> str | None:
    """What differs between a fixture made now and the committed one; weights must be equal, values close."""
    if not kept.exists():
        return "is not committed"
    if made.suffix not in {".safetensors", ".pt", ".bin"}:
        return None if made.read_text() == kept.read_text() else "differs in text"
    new, old = flat_tensors(made), flat_tensors(kept)
    if new.keys() != old.keys():
        return f"has other keys: {sorted(new.keys() ^ old.keys())[:5]}"
    tolerance = TOLERANCE if made.name == "golden.safetensors" else 0.0
    for name, value in new.items():
        if value.shape != old[name].shape or value.dtype != old[name].dtype:
            return f"has another shape or dtype at {name}"
        if (value.double() - old[name].double()).abs().max() > tolerance:
            return f"has other values at {name}"
    return None


def check(root: Path) -> int:
    """Compare freshly made fixtures with the committed ones; the exit code."""
    wrong = 0
    for made in sorted(path for path in root.rglob("*") if path.is_file()):
        place = made.relative_to(root)
        reason = differs(made, GOLDEN_DIR / place)
        if reason:
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
        root = Path(scratch) / "golden"
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
