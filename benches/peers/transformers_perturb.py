#!/usr/bin/env python3
"""In-silico deletion as Geneformer's `InSilicoPerturber` computes it: one forward pass per gene.

Batch 1, `output_hidden_states=True`, the layer before the last; V1 compares the genes that are left, V2 `<cls>`. `--head` runs
`BertForMaskedLM`, as upstream does, whose logits nobody reads; without it `BertModel` does the same work without them.
Writes the cosine of each gene, and the seconds per gene without loading.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import pyarrow.parquet
import torch
from transformers import BertForMaskedLM, BertModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokens", type=Path, help="Parquet with input_ids; the first cell is perturbed")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--head", action="store_true")
    parser.add_argument("--cls", action="store_true", help="compare <cls>, and leave it and <eos> alone")
    parser.add_argument("--genes", type=int, required=True, help="so many genes, at equal distances of rank")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--stats", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    kind = BertForMaskedLM if options.head else BertModel
    model = kind.from_pretrained(options.model, **({} if options.head else {"add_pooling_layer": False})).eval()
    layer = model.config.num_hidden_layers - 1
    cell = pyarrow.parquet.read_table(options.tokens)["input_ids"][0].as_py()
    first, last = (1, len(cell) - 1) if options.cls else (0, len(cell))
    ranks = [first + i * (last - first) // options.genes for i in range(options.genes)]

    def represent(tokens: list[int]) -> torch.Tensor:
        ids = torch.tensor([tokens])
        return model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states[layer][0]

    cosines = {}
    with torch.no_grad():
        original = represent(cell)
        started = time.perf_counter()
        for rank in ranks:
            perturbed = represent(cell[:rank] + cell[rank + 1 :])
            if options.cls:
                cosine = torch.cosine_similarity(perturbed[0], original[0], dim=0)
            else:
                cosine = torch.cosine_similarity(perturbed, torch.cat([original[:rank], original[rank + 1 :]]), dim=1).mean()
            cosines[cell[rank]] = cosine.item()
        seconds = time.perf_counter() - started
    options.output.write_text(json.dumps(cosines))
    options.stats.write_text(json.dumps({"seconds": seconds, "genes": len(ranks), "tokens": len(cell)}))


if __name__ == "__main__":
    main()
