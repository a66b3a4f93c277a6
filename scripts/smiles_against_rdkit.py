#!/usr/bin/env python
"""Mutates real SMILES and compares ferrome's verdict, atoms and ECFP4 with RDKit's.

    cargo build --release -p ferrome-drug --example verdicts
    .venv/bin/python scripts/smiles_against_rdkit.py COUNT SEED [OUT.tsv]

Prints the classes of disagreement in both directions with examples; OUT.tsv gets every one.
"""

import collections
import gzip
import os
import random
import re
import subprocess
import sys

from rdkit import Chem, RDLogger, rdBase
from rdkit.Chem import rdFingerprintGenerator

SHARED = os.path.join(os.path.dirname(__file__), "../../shared/data")
VERDICTS = os.environ.get("VERDICTS", "target/release/examples/verdicts")
TOKENS = (
    "C N O S P F I B c n o s p b Cl Br ( ) [ ] = # - : $ / \\ . 1 2 3 4 0 % %10 %(5) @ @@ + - ++ H H2 [H] [2H] [nH] "
    "[C@H] [C@@H] [N+] [O-] [S+] [Se] [se] [te] [Na+] [Cl-] [Fe] [Fe+2] [Pt] [B-] [P+] [Si] [As] [*] * (=O) (C) "
    "[N+](=O)[O-] N(=O)=O S(=O)(=O) P(=O)(O)O c1ccccc1 C1CC1 [13C] [CH3] [CH2] [C] [c-] [n+] [o+] [cH-] [N-] [N-2] "
    "[N]=[N+]=[N-] N=N#N O=Cl(=O)(=O)O I(=O)=O [Cu]<-N [Zn]-N -> <- ~ ' \" & x [#6] [#7+] :1 [CH3:1] =N= =C= #C [U] "
    "[Hg] [Al] [Li] [Mg] [Xe] F(F) [H+] [H-] [HH] [OH2+] [SH] [PH5] [C@TH1] [C@AL1] [Pt@SP1]"
).split(" ")


def corpus():
    found = []
    with gzip.open(f"{SHARED}/dti/golden_rdkit/atoms_all.tsv.gz", "rt") as file:
        found += [line.split("\t")[1] for line in file][1:]
    with gzip.open(f"{SHARED}/molecules/moses/dataset/data/test.csv.gz", "rt") as file:
        found += [line.split(",")[0].strip() for line in file][1:20001]
    return found


def mutated(text, pool, chance):
    pieces = re.findall(r"\[[^\]]*\]|Cl|Br|%\d\d|.", text)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if not pieces:
            break
        at = chance.randrange(len(pieces))
        kind = chance.randrange(9)
        if kind == 0:
            del pieces[at]
        elif kind == 1:
            pieces.insert(at, chance.choice(TOKENS))
        elif kind == 2:
            pieces[at] = chance.choice(TOKENS)
        elif kind == 3:
            other = chance.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif kind == 4:
            del pieces[at : at + chance.randrange(1, 6)]
        elif kind == 5:
            pieces[at:at] = pieces[at : at + chance.randrange(1, 4)]
        elif kind == 6:
            pieces = pieces[:at] + re.findall(r"\[[^\]]*\]|.", chance.choice(pool))[-chance.randrange(1, 12) :]
        elif kind == 7:
            pieces[at] = pieces[at].swapcase() if chance.random() < 0.5 else f"[{pieces[at]}]"
        else:
            letters = list(pieces[at])
            letters.insert(chance.randrange(len(letters) + 1), chance.choice("0123456789+-H@CNOcn=()[]%.#/\\"))
            pieces[at] = "".join(letters)
    return "".join(pieces)


def rdkit(smiles, generator):
    mol = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0:
        return None
    ring = mol.GetRingInfo()
    atoms = ",".join(
        f"{a.GetAtomicNum()}:{a.GetTotalNumHs()}:{a.GetFormalCharge()}:{int(a.GetIsAromatic())}"
        f":{int(ring.NumAtomRings(a.GetIdx()) > 0)}:{a.GetDegree()}"
        for a in mol.GetAtoms()
    )
    return atoms, ",".join(map(str, generator.GetFingerprint(mol).GetOnBits()))


def reason(smiles):
    """What RDKit says against it, without numbers."""
    with rdBase.LogStatus_scope() if hasattr(rdBase, "LogStatus_scope") else _nothing():
        mol = Chem.MolFromSmiles(smiles, sanitize=False)
    if mol is None:
        return "syntax"
    problems = Chem.DetectChemistryProblems(mol)
    return problems[0].GetType() if problems else "?"


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    RDLogger.DisableLog("rdApp.*")
    chance = random.Random(seed)
    pool = corpus()
    texts = [mutated(chance.choice(pool), pool, chance) for _ in range(count)]
    texts = [text for text in texts if "\n" not in text and "\r" not in text]
    run = subprocess.run([VERDICTS], input="\n".join(texts) + "\n", capture_output=True, text=True, check=True)
    ours = run.stdout.split("\n")[: len(texts)]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    classes, everything, valid = collections.defaultdict(list), [], 0
    for text, said in zip(texts, ours):
        fields = said.split("\t")
        theirs = rdkit(text, generator)
        valid += theirs is not None
        name = None
        if theirs is None and fields[0] == "ok":
            name = f"accepted here, RDKit: {reason(text)}"
        elif theirs is not None and fields[0] != "ok":
            name = "refused here: " + re.sub(r"`.*?`|\d+", "#", fields[1])[:90]
        elif theirs is not None and fields[1] != theirs[0]:
            name = "other atoms"
        elif theirs is not None and fields[2] != theirs[1]:
            name = "other ECFP4"
        if name:
            classes[name].append(text)
            everything.append(f"{name}\t{text}\t{said}\n")
    print(f"{len(texts)} texts, {valid} valid by RDKit, {len(everything)} disagreements; stderr {len(run.stderr)}")
    for name, found in sorted(classes.items(), key=lambda pair: -len(pair[1])):
        print(f"{len(found):6} {name}")
        for text in sorted(found, key=len)[:4]:
            print(f"         {text[:150]}")
    if len(sys.argv) > 3:
        with open(sys.argv[3], "w") as file:
            file.writelines(everything)


main()
