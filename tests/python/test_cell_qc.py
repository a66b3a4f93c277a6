"""`ferrome cell qc`: numbers against scanpy, and the page in a browser."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import anndata
import numpy as np
import pytest
import scanpy
import scipy.sparse
from browser import Browser, Page, browser  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
CELLS = ROOT.parent / "shared/data/cells"
PBMC = CELLS / "pbmc_10k/pbmc_10k_protein_v3.h5ad"
TYPIST = CELLS / "derived_celltypist_ensembl/human559_ensembl_csr.h5ad"
QUANTILES = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1]


def shared(path: Path) -> Path:
    """A shared file; a machine without it skips, CI fails."""
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is missing")
        pytest.skip(f"{path} is missing")
    return path


def qc(*words: str | Path) -> str:
    """Runs the command, which must succeed; what it said."""
    binary = os.environ.get("FERROME_BIN", ROOT / "target/release/ferrome")
    done = subprocess.run([binary, "cell", "qc", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up Geneformer vocabulary of every second gene of the shared cells."""
    ids = list(anndata.read_h5ad(shared(TYPIST)).var_names)[::2]
    names = ["<pad>", "<mask>", *ids]
    path = tmp_path_factory.mktemp("vocabulary") / "vocabulary.json"
    path.write_text(
        json.dumps(
            {
                "format": "ferrome vocabulary 1",
                "style": "geneformer-v1",
                "special_tokens": names[:2],
                "tokens": {name: token for token, name in enumerate(names)},
                "medians": dict.fromkeys(ids, 1.0),
                "sources": [],
            }
        )
    )
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, vocabulary: Path) -> Path:
    """A page with every plot, and the numbers beside it."""
    page = tmp_path_factory.mktemp("report") / "report.html"
    qc(shared(TYPIST), "--vocabulary", vocabulary, "--max-length", "600", "-o", page, "--json", page.with_suffix(".json"))
    return page


@pytest.mark.parametrize("path", [PBMC, TYPIST], ids=["symbols", "ensembl"])
def test_numbers_equal_scanpy(path: Path, tmp_path: Path) -> None:
    said = qc(shared(path), "-o", tmp_path / "a.html", "--json", tmp_path / "a.json")
    numbers = json.loads((tmp_path / "a.json").read_text())
    data = anndata.read_h5ad(path)
    if numbers["layer"].startswith("layers/"):
        data.X = data.layers[numbers["layer"].removeprefix("layers/")]
    elif numbers["layer"] == "raw/X":
        data = data.raw.to_adata()
    symbols = data.var.get("gene_symbol", data.var_names.to_series())
    data.var["mt"] = symbols.str.startswith("MT-").to_numpy()
    cells, genes = scanpy.pp.calculate_qc_metrics(data, qc_vars=["mt"], percent_top=None, log1p=False)

    assert (numbers["cells"], numbers["genes"]) == data.shape
    assert f"{data.n_obs:,} cells" in said
    assert numbers["mitochondrial_genes"]["count"] == data.var["mt"].sum() >= 13
    expected = {
        "counts_per_cell": cells["total_counts"],
        "genes_per_cell": cells["n_genes_by_counts"],
        "mitochondrial_share": cells["pct_counts_mt"] / 100,
    }
    for key, values in expected.items():
        values = values.to_numpy(dtype=np.float64)
        assert numbers[key]["mean"] == pytest.approx(values.mean(), rel=1e-6), key
        for q in QUANTILES:
            # Bins are 0.1 % wide; their middle is at most half of that away.
            assert numbers[key]["quantiles"][str(q)] == pytest.approx(np.quantile(values, q), rel=6e-4), (key, q)
    assert numbers["genes_in_3_cells"] == (genes["n_cells_by_counts"] >= 3).sum()

    totals = cells["total_counts"].to_numpy(dtype=np.float64)
    shares = np.asarray(scipy.sparse.csr_matrix(data.X).multiply(1 / totals[:, None]).mean(axis=0)).ravel()
    order = np.argsort(-shares, kind="stable")[:20]
    assert [gene["id"] for gene in numbers["top_genes"]] == list(data.var_names[order])
    assert [gene["mean_share"] for gene in numbers["top_genes"]] == pytest.approx(list(shares[order]), rel=1e-5)


def test_token_lengths_are_known_genes_up_to_the_limit(report: Path, vocabulary: Path) -> None:
    numbers = json.loads(report.with_suffix(".json").read_text())
    data = anndata.read_h5ad(TYPIST)
    known = data.var_names.isin(json.loads(vocabulary.read_text())["medians"])
    present = np.asarray((data.X[:, known] > 0).sum(axis=1)).ravel()
    assert numbers["vocabulary"]["columns_matched"] == known.sum()
    assert numbers["vocabulary"]["cells_truncated"] == (present > 600).sum() > 0
    assert numbers["token_length"]["mean"] == pytest.approx(np.minimum(present, 600).mean())
    assert numbers["known_genes_per_cell"]["quantiles"]["0.5"] == np.median(present)


PLOTS = """Array.from(document.querySelectorAll("figure"), figure => {
    const svg = figure.querySelector("svg");
    const seen = mark => { const box = mark.getBBox(); return box.width > 0 && box.height > 0; };
    const marks = Array.from(svg.querySelectorAll("rect, polyline"));
    const box = svg.getBoundingClientRect();
    return {
        id: figure.id, told: Number(figure.dataset.marks), width: box.width, height: box.height,
        rects: marks.filter(mark => mark.tagName === "rect" && seen(mark)).length,
        points: Math.max(0, ...marks.filter(mark => mark.tagName === "polyline" && seen(mark)).map(m => m.points.length)),
        texts: Array.from(svg.querySelectorAll("text")).filter(seen).length,
    };
})"""


def plots(page: Page) -> dict[str, dict]:
    return {plot["id"]: plot for plot in page.evaluate(PLOTS)}


def test_every_plot_is_there_and_not_empty(browser: Browser, report: Path) -> None:
    page = browser.open(report)
    seen = plots(page)
    assert list(seen) == ["counts", "genes", "mitochondrial", "plane", "knee", "tokens"]
    for name, plot in seen.items():
        assert plot["width"] > 300 and plot["height"] > 140, plot
        assert plot["texts"] >= 8, plot
        marks = plot["points"] if name == "knee" else plot["rects"]
        assert marks == plot["told"] >= 10, plot


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_plots_are_seen_on_light_and_dark_pages(browser: Browser, report: Path, scheme: str) -> None:
    page = browser.open(report, scheme=scheme)
    background = page.pixels("h1")[0, 0].astype(int)
    assert (background.mean() > 200) == (scheme == "light")
    for name in plots(page):
        picture = page.pixels(f"#{name} svg").astype(int)
        away = np.abs(picture - background).max(axis=2)
        # Data is blue to orange; axes and letters have the colour of the text.
        chroma = picture.max(axis=2) - picture.min(axis=2)
        assert (chroma > 60).sum() > 150, f"{name}: no data"
        assert ((away > 90) & (chroma < 30)).sum() > 150, f"{name}: no letters"


def test_page_loads_nothing_and_complains_of_nothing(browser: Browser, report: Path) -> None:
    page = browser.open(report)
    assert page.requests() == [report.resolve().as_uri()]
    assert page.complaints() == []


def test_page_holds_its_numbers(browser: Browser, report: Path) -> None:
    page = browser.open(report)
    held = page.evaluate('JSON.parse(document.getElementById("numbers").textContent)')
    assert held == json.loads(report.with_suffix(".json").read_text())
    table = page.evaluate('Array.from(document.querySelectorAll("#distributions tbody tr"), row => row.innerText)')
    assert len(table) == 5
    assert page.evaluate('document.querySelectorAll("#top-genes tbody tr").length') == 20
    assert page.evaluate('document.querySelectorAll("#top-genes .bar").length') == 20


@pytest.mark.parametrize("width", [390, 1600])
def test_page_fits_telephones_and_screens(browser: Browser, report: Path, width: int) -> None:
    page = browser.open(report, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_page_prints(browser: Browser, report: Path) -> None:
    assert browser.open(report, scheme="dark").print().startswith(b"%PDF")


def test_names_of_cells_and_genes_are_no_html(browser: Browser, tmp_path: Path) -> None:
    counts = np.array([[3, 0, 1], [2, 2, np.nan]], dtype=np.float32)
    data = anndata.AnnData(counts)
    data.obs_names = ["<i>one</i>", "<script>document.title='taken'</script>"]
    data.var_names = ["<b>A</b>", "MT-ND1", "</script><h1>B</h1>"]
    data.write_h5ad(tmp_path / "<u>.h5ad")
    said = qc(tmp_path / "<u>.h5ad", "-o", tmp_path / "a.html")
    assert "1 cells rejected" in said
    page = browser.open(tmp_path / "a.html")
    assert page.evaluate("document.title") == "<u>.h5ad: quality of cells"
    assert page.evaluate('document.querySelectorAll("i, b, u, h1").length') == 1
    assert page.evaluate('document.querySelector("#rejected th:first-child").tagName') == "TH"
    assert "<b>A</b>" in page.evaluate('document.querySelector("#top-genes").innerText')
    assert page.complaints() == []
