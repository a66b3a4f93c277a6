"""The drugs of the demo are what their names say: formula and average weight as published."""

from __future__ import annotations

from pathlib import Path

import pytest
from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors

DRUGS = Path(__file__).resolve().parents[2] / "data/demo/drugs.smi"
PUBLISHED = {
    "imatinib": ("C29H31N7O", 493.6),
    "nilotinib": ("C28H22F3N7O", 529.5),
    "dasatinib": ("C22H26ClN7O2S", 488.0),
    "bosutinib": ("C26H29Cl2N5O3", 530.4),
    "ponatinib": ("C29H27F3N6O", 532.6),
    "gefitinib": ("C22H24ClFN4O3", 446.9),
    "erlotinib": ("C22H23N3O4", 393.4),
    "lapatinib": ("C29H26ClFN4O4S", 581.1),
    "afatinib": ("C24H25ClFN5O3", 485.9),
    "osimertinib": ("C28H33N7O2", 499.6),
    "sorafenib": ("C21H16ClF3N4O3", 464.8),
    "vemurafenib": ("C23H18ClF2N3O3S", 489.9),
    "sunitinib": ("C22H27FN4O2", 398.5),
    "axitinib": ("C22H18N4OS", 386.5),
    "pazopanib": ("C21H23N7O2S", 437.5),
    "crizotinib": ("C21H22Cl2FN5O", 450.3),
    "aspirin": ("C9H8O4", 180.2),
    "caffeine": ("C8H10N4O2", 194.2),
    "ibuprofen": ("C13H18O2", 206.3),
    "metformin": ("C4H11N5", 129.2),
}
LINES = [line.split(" ") for line in DRUGS.read_text().splitlines()]


def test_every_drug_is_there_once() -> None:
    assert [name for _, name in LINES] == list(PUBLISHED)


@pytest.mark.parametrize(("smiles", "name"), LINES)
def test_formula_and_weight_are_those_of_the_drug(smiles: str, name: str) -> None:
    formula, weight = PUBLISHED[name]
    molecule = Chem.MolFromSmiles(smiles)
    assert rdMolDescriptors.CalcMolFormula(molecule) == formula
    assert Descriptors.MolWt(molecule) == pytest.approx(weight, abs=0.1)
