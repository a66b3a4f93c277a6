"""`ferrome.protein.embed` on a list of sequences, measured from inside: the call, and the import before it."""

from __future__ import annotations

import argparse
import json
import sys
import time

START = time.perf_counter()
import ferrome  # noqa: E402

IMPORTED = time.perf_counter()


def main() -> None:
    """Read the sequences (one a line), embed them, and write the times as JSON to stdout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sequences")
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--save", required=True)
    arguments = parser.parse_args()
    with open(arguments.sequences) as file:
        sequences = file.read().split()
    options = {"device": "cpu", "threads": arguments.threads, "progress": False}

    began = time.perf_counter()
    vectors = ferrome.protein.embed(sequences, model=arguments.model, **options)
    call = time.perf_counter() - began
    model = ferrome.protein.load(arguments.model, device="cpu", threads=arguments.threads)
    began = time.perf_counter()
    model.embed(sequences, progress=False)
    loaded = time.perf_counter() - began

    import numpy

    numpy.save(arguments.save, vectors)
    json.dump({"import": IMPORTED - START, "call": call, "loaded": loaded}, sys.stdout)


if __name__ == "__main__":
    main()
