"""`ferrome drug featurize` beside RDKit: mol blocks of every kind, descriptors, standardisation."""

from __future__ import annotations

import glob
import gzip
import os
import subprocess
from pathlib import Path

import polars as pl
import pytest
from rdkit import Chem, RDLogger
from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors
from rdkit.Chem.MolStandardize import rdMolStandardize

ROOT = Path(__file__).resolve().parents[2]
FERROME = os.environ.get("FERROME_BIN", str(ROOT / "target/release/ferrome"))
SHARED = ROOT.parent / "shared/data"
RDLogger.DisableLog("rdApp.*")


def featurize(library: Path, *words: str) -> list[dict]:
    """The rows that ferrome writes for a library."""
    out = library.with_suffix(".out.parquet")
    command = [FERROME, "drug", "featurize", str(library), "-o", str(out), "--overwrite", "--quiet", *words]
    subprocess.run(command, check=True)
    return pl.read_parquet(out).to_dicts()


def need(folder: Path) -> Path:
    """A folder of the shared data; CI must have it."""
    if not folder.is_dir():
        assert os.environ.get("CI") != "true", f"{folder} is missing"
        pytest.skip(f"{folder} is missing")
    return folder


def mol_blocks() -> list[str]:
    """Every mol block of RDKit's own test data, ended by `M  END`."""
    base = str(need(SHARED / "molecules/rdkit"))
    blocks = []
    for path in sorted(glob.glob(f"{base}/**/*", recursive=True)):
        if not path.endswith((".mol", ".sdf", ".sdf.gz")):
            continue
        opened = gzip.open(path, "rt", errors="replace") if path.endswith(".gz") else open(path, errors="replace")
        with opened as file:
            records = file.read().replace("\r\n", "\n").split("$$$$\n")
        blocks += [record.split("M  END")[0] + "M  END\n" for record in records if "M  END" in record]
    return blocks


def test_mol_blocks_are_read_as_rdkit_reads_them(tmp_path: Path) -> None:
    blocks = mol_blocks()
    library = tmp_path / "all.sdf"
    library.write_text("".join(f"{block}$$$$\n" for block in blocks))
    rows = featurize(library, "--what", "canonical")
    assert len(rows) == len(blocks) > 4700
    same, accepted, refused = 0, [], []
    for block, row in zip(blocks, rows, strict=True):
        mol = Chem.MolFromMolBlock(block)
        if mol is None or mol.GetNumAtoms() == 0:
            accepted += [] if row["error"] else [block]
        elif row["error"]:
            refused.append(row["error"])
        else:
            again = Chem.MolFromSmiles(Chem.MolToSmiles(mol))
            same += again is not None and Chem.MolToSmiles(again) == row["canonical_smiles"]
        assert not (row["error"] or "").endswith("\n")
    assert accepted == [], "RDKit refuses these"
    assert len(refused) <= 40, "queries, which are no molecules, and little else"
    assert same >= len(blocks) * 0.975


def test_descriptors_are_those_of_rdkit(tmp_path: Path) -> None:
    smiles = (need(SHARED / "dti/golden_rdkit") / "full_features_sample.jsonl.gz").read_bytes()
    lines = gzip.decompress(smiles).decode().splitlines()[1::14]
    texts = [line.split('"smiles":"')[1].split('"')[0].replace("\\\\", "\\") for line in lines]
    library = tmp_path / "in.smi"
    library.write_text("".join(f"{text} x\n" for text in texts))
    known = {
        "molecular_weight": Descriptors.MolWt,
        "logp": Crippen.MolLogP,
        "tpsa": rdMolDescriptors.CalcTPSA,
        "qed": QED.qed,
        "donors": rdMolDescriptors.CalcNumHBD,
        "acceptors": rdMolDescriptors.CalcNumHBA,
        "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds,
        "rings": rdMolDescriptors.CalcNumRings,
        "aromatic_rings": rdMolDescriptors.CalcNumAromaticRings,
    }
    differing = dict.fromkeys(known, 0)
    rows = featurize(library, "--what", "descriptors")
    for text, row in zip(texts, rows, strict=True):
        mol = Chem.MolFromSmiles(text)
        if mol is None:
            continue
        for name, function in known.items():
            differing[name] += abs(row[name] - function(mol)) > 1e-3
    assert all(count <= len(texts) * 0.01 for count in differing.values()), differing


def test_standardisation_is_that_of_rdkit(tmp_path: Path) -> None:
    texts = ["CC(=O)[O-].[Na+]", "C[NH3+].[Cl-]", "CC(=O)O.CCN", "C[N+](C)(C)C.[Cl-]", "O=C([O-])C[NH3+]", "OCC.OCCC"]
    library = tmp_path / "in.smi"
    library.write_text("".join(f"{text} x\n" for text in texts))
    chooser, uncharger = rdMolStandardize.LargestFragmentChooser(), rdMolStandardize.Uncharger()
    expected = [Chem.MolToSmiles(uncharger.uncharge(chooser.choose(Chem.MolFromSmiles(text)))) for text in texts]
    rows = featurize(library, "--what", "canonical", "--standardize", "largest-fragment,neutralize")
    assert [row["canonical_smiles"] for row in rows] == expected
