#!/usr/bin/env python3
"""Make tests/specimens/bam: a few hundred reads of a made-up 10x run in every order, and files that must be refused.

    .venv/bin/python scripts/make_bam_specimens.py
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pysam

FOLDER = Path(__file__).resolve().parents[1] / "tests/specimens/bam"
HEADER = {"HD": {"VN": "1.6"}, "SQ": [{"SN": "chr1", "LN": 10_000}, {"SN": "chr2", "LN": 10_000}]}
# The last gene lies on both contigs.
GENES = [("ENSG01", 0), ("ENSG02", 0), ("ENSG03", 1), ("ENSG04", 1), ("ENSG05", 0), ("ENSG05", 1)]
COUNTED, NOT_REPRESENTATIVE, LOW_SUPPORT, INTERGENIC = 25, 17, 19, 0


def barcode(source: random.Random, length: int) -> str:
    """Random bases."""
    return "".join(source.choices("ACGT", k=length))


def with_errors(source: random.Random, umi: str) -> str:
    """The UMI as a sequencer reads it: one time in eight a base is wrong, now and then it is not read."""
    if source.random() < 0.125:
        place = source.randrange(len(umi))
        return umi[:place] + source.choice("ACGTACGTN") + umi[place + 1 :]
    return umi


def read(source: random.Random, number: int, cell: str, umi: str, gene: tuple[str, int]) -> pysam.AlignedSegment:
    """One read of a molecule, with the traits that decide whether it is counted."""
    raw = with_errors(source, umi)
    segment = pysam.AlignedSegment(pysam.AlignmentHeader.from_dict(HEADER))
    segment.query_name = f"read{number:04d}_{cell}_{raw}"
    segment.query_sequence = barcode(source, 24)
    segment.query_qualities = pysam.qualitystring_to_array("F" * 24)
    segment.flag = source.choice([0, 16])
    segment.reference_id, segment.reference_start = gene[1], source.randrange(9_000)
    segment.mapping_quality = 255
    segment.cigarstring = "24M"
    name, bits = gene[0], source.choice([COUNTED, COUNTED, NOT_REPRESENTATIVE])
    kind = source.randrange(40)
    if kind == 0:
        segment.flag |= 256
    elif kind == 1:
        segment.flag, segment.cigarstring, segment.mapping_quality, bits = 4, None, 0, INTERGENIC
    elif kind == 2:
        segment.mapping_quality, bits = 3, INTERGENIC
    elif kind == 3:
        name, bits = f"{name};ENSG09", INTERGENIC
    elif kind == 4:
        bits = LOW_SUPPORT
    elif kind == 5:
        segment.flag |= 1 | 128
    elif kind == 6:
        name = "__no_feature"
    tags = {"NH": 1, "CR": cell, "UR": raw, "GX": name, "GN": name.replace("ENSG", "Gene"), "xf": bits}
    if kind != 7:
        tags["CB"] = f"{cell}-1"
    if kind != 8 and "N" not in raw:
        tags["UB"] = umi
    if kind == 9:
        del tags["GX"]
    for tag, value in tags.items():
        segment.set_tag(tag, value)
    return segment


def reads() -> list[pysam.AlignedSegment]:
    """All reads, in random order."""
    source = random.Random(20)
    cells = [barcode(source, 8) for _ in range(6)]
    umis = [barcode(source, 6) for _ in range(60)]
    made: list[pysam.AlignedSegment] = []
    for _ in range(170):
        cell, umi, gene = source.choice(cells), source.choice(umis), source.choice(GENES)
        for _ in range(min(int(source.expovariate(0.4)) + 1, 9)):
            made.append(read(source, len(made), cell, umi, gene))
    source.shuffle(made)
    return made


def write(name: str, made: list[pysam.AlignedSegment], mode: str = "wb") -> None:
    """Write one file."""
    with pysam.AlignmentFile(FOLDER / name, mode, header=pysam.AlignmentHeader.from_dict(HEADER)) as file:
        for segment in made:
            file.write(segment)


def tag(name: str) -> Callable[[pysam.AlignedSegment], str]:
    """A key for sorting."""
    return lambda segment: str(segment.get_tag(name)) if segment.has_tag(name) else ""


def without(made: list[pysam.AlignedSegment], name: str) -> list[pysam.AlignedSegment]:
    """The reads without a tag."""
    bare = []
    for segment in made:
        copy = pysam.AlignedSegment.from_dict(segment.to_dict(), segment.header)
        copy.set_tag(name, None)
        bare.append(copy)
    return bare


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = reads()
    by_place = sorted(made, key=lambda segment: (segment.reference_id, segment.reference_start))
    write("by_coordinate.bam", by_place)
    write("by_name.bam", sorted(made, key=lambda segment: segment.query_name))
    write("by_cell.bam", sorted(made, key=tag("CB")))
    write("unsorted.bam", made)
    write("unsorted.sam", made, "w")
    write("uncompressed.bam", made, "wbu")
    write("no_cell_tag.bam", without(made[:20], "CB"))
    write("no_reads.bam", [])
    whole = (FOLDER / "unsorted.bam").read_bytes()
    (FOLDER / "cut_in_block_header.bam").write_bytes(whole[:-28] + whole[-28:-15])
    (FOLDER / "plain_header_cut.bam").write_bytes(b"BAM\x01\xff\0\0\0@HD")
    header = "@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:100\n"
    line = "r1\t0\tchr1\t7\t255\t4M\t*\t0\t0\tACGT\tFFFF\tCB:Z:AC-1\tUB:Z:GT\tGX:Z:ENSG1\txf:i:25\n"
    texts = {
        "few_fields.sam": header + line + "r2\t0\tchr1\n",
        "bad_tag.sam": header + line + line.replace("UB:Z:", "UB-Z-"),
        "bad_flags.sam": header + line.replace("r1\t0", "r1\tzero"),
        "sequences.fa": ">s1\nACGT\n",
    }
    for name, text in texts.items():
        (FOLDER / name).write_text(text)
    (FOLDER / ".gitattributes").write_text("* -text\n")


if __name__ == "__main__":
    main()
