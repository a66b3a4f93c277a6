"""Make data/demo/cells.bam: reads of 90 made-up blood cells of three types, tagged as Cell Ranger tags them; and beside it
cells.types.csv, which says whose cell each barcode is.

    python scripts/make_demo_cells.py GENES.csv.gz data/demo/cells.bam

GENES.csv.gz has Ensembl id and symbol in its first two columns. Nothing here was measured: each type expresses the
housekeeping genes and its own markers; most molecules have several reads, some UMIs have a sequencing error, and
300 barcodes are empty droplets with a few molecules of ambient RNA.
"""

import csv
import gzip
import sys

import numpy as np
import pysam

HOUSEKEEPING = """
    ACTB ACTG1 B2M EEF1A1 EEF2 FAU FTH1 FTL GAPDH H3-3B HNRNPA1 HSP90AA1 LDHA MALAT1 MYL6 NACA NPM1 PABPC1 PFN1 PTMA
    RACK1 RPL10 RPL11 RPL13 RPL13A RPL15 RPL18A RPL19 RPL3 RPL30 RPL32 RPL34 RPL39 RPL41 RPL5 RPL7 RPL8 RPLP0 RPLP1 RPLP2
    RPS12 RPS14 RPS15A RPS18 RPS19 RPS2 RPS23 RPS24 RPS27 RPS27A RPS28 RPS29 RPS3 RPS3A RPS4X RPS6 RPS8 SRGN TMSB10 TMSB4X
    TPT1 UBA52 UBC VIM YBX1 MT-CO1 MT-CO2 MT-CO3 MT-ND1 MT-ND4 MT-CYB MT-ATP6
""".split()
MARKERS = {
    "T": "CD3D CD3E CD3G IL7R TRAC TRBC1 TRBC2 LTB CD2 CD27 LCK IL32 CCR7 TCF7 LEF1 CD5 CD6 BCL11B".split(),
    "B": "MS4A1 CD79A CD79B CD19 BANK1 CD22 IGHM IGHD TCL1A VPREB3 BLK FCRLA PAX5 RALGPS2 LINC00926 CD24 SPIB FCER2".split(),
    "M": "LYZ CD14 S100A8 S100A9 S100A12 FCN1 VCAN CST3 TYROBP CTSS AIF1 MNDA CSF3R MS4A6A LST1 FCER1G CFD SERPINA1".split(),
}
NAMES = {"T": "T cell", "B": "B cell", "M": "monocyte"}
CELLS_PER_TYPE, EMPTY = 30, 300
LETTERS = np.array(list("ACGT"))


def word(rng, length):
    """Random nucleotides."""
    return "".join(rng.choice(LETTERS, length))


def main(table, output):
    """Write the BAM."""
    rng = np.random.default_rng(7)
    with gzip.open(table, "rt") as lines:
        ids = {row[1]: row[0] for row in csv.reader(lines)}
    genes = HOUSEKEEPING + [gene for markers in MARKERS.values() for gene in markers]
    absent = [gene for gene in genes if gene not in ids]
    assert not absent, absent
    place = {gene: 10_000 * (n + 1) for n, gene in enumerate(genes)}
    base = np.concatenate([rng.lognormal(1.2, 0.8, len(HOUSEKEEPING)), np.full(len(genes) - len(HOUSEKEEPING), 0.9)])
    droplets = []
    for kind, markers in MARKERS.items():
        rates = base.copy()
        rates[[genes.index(gene) for gene in markers]] = rng.lognormal(2.2, 0.4, len(markers))
        droplets += [(kind, rates * rng.lognormal(-0.9, 0.25)) for _ in range(CELLS_PER_TYPE)]
    droplets += [("empty", base * rng.lognormal(-5.0, 0.5)) for _ in range(EMPTY)]
    reads, types = [], []
    for n in rng.permutation(len(droplets)):
        kind, rates = droplets[n]
        barcode = word(rng, 16) + "-1"
        if kind != "empty":
            types.append((barcode, NAMES[kind]))
        for gene, molecules in zip(genes, rng.poisson(rates)):
            for _ in range(molecules):
                umi = word(rng, 12)
                for _ in range(1 + rng.poisson(0.7)):
                    raw = umi
                    if rng.random() < 0.01:
                        at = rng.integers(12)
                        raw = umi[:at] + rng.choice(LETTERS) + umi[at + 1 :]
                    reads.append((place[gene] + int(rng.integers(800)), barcode, umi, raw, gene))
    reads.sort()
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "genes", "LN": 10_000 * (len(genes) + 2)}],
              "CO": ["made by scripts/make_demo_cells.py"]}  # fmt: skip
    counted = set()
    with pysam.AlignmentFile(output, "wb", header=header) as bam:
        for number, (at, barcode, umi, raw, gene) in enumerate(reads):
            read = pysam.AlignedSegment(bam.header)
            read.query_name, read.reference_id, read.reference_start = f"r{number}", 0, at
            read.mapping_quality, read.flag, read.cigarstring = 255, 0, "30M"
            first = (barcode, gene, umi) not in counted
            counted.add((barcode, gene, umi))
            tags = [("CB", barcode), ("CR", barcode[:-2]), ("UB", umi), ("UR", raw), ("GX", ids[gene]), ("GN", gene)]
            read.set_tags([*tags, ("xf", 25 if first else 17)])
            bam.write(read)
    with open(output.removesuffix(".bam") + ".types.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("cell_id", "type"), *sorted(types)])
    print(f"{len(reads)} reads, {len(counted)} molecules, {len(droplets)} droplets", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
