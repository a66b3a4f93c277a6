"""`ferrome report`: the page in a browser, its numbers against NumPy, and what bad input gets."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import anndata
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser import Browser, Page, browser  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("FERROME_BIN", ROOT / "target/release/ferrome")
# What would end an element, an attribute or a string if it were not text.
NASTY = ["</script><script>document.title='taken'</script>", "\"quoted\" & 'quoted'", "naïve Ψ 蛋白 🧬", "a,b\nc", "<b>bold</b>"]


def report(*words: str | Path, fails: bool = False) -> str:
    """Runs the command; what it said. A failure is one line and exit code 1."""
    done = subprocess.run([BINARY, "report", *map(str, words)], capture_output=True, text=True)
    assert done.stdout == ""
    assert done.returncode == (1 if fails else 0), done.stderr
    assert not fails or (done.stderr.startswith("error: ") and done.stderr.count("\n") == 1), done.stderr
    return done.stderr


def vectors(rows: np.ndarray) -> pa.Array:
    flat = pa.array(rows.astype(np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """300 rows in three clouds of a plane, with vectors of eight numbers, names of every sort and columns of every kind."""
    random = np.random.default_rng(3)
    kind = np.arange(300) % 3
    centres = np.array([[-4.0, -3.0], [4.0, -3.0], [0.0, 5.0]])
    places = centres[kind] + random.normal(size=(300, 2)) * 0.7
    embedding = random.normal(size=(3, 8))[kind] * 3 + random.normal(size=(300, 8))
    ids = [NASTY[i] if i < len(NASTY) else f"protein {i}" for i in range(300)]
    return pa.table(
        {
            "id": ids,
            "length": pa.array(random.integers(50, 900, 300)),
            "kind": [["alpha", "beta", "</script>gamma"][k] for k in kind],
            "px": places[:, 0],
            "py": places[:, 1],
            "embedding": vectors(embedding),
            "error": pa.array([None] * 300, pa.string()),
        }
    ).replace_schema_metadata({"ferrome.model": "<i>a model</i>", "ferrome.pool": "mean"})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> Path:
    """The page of that table, at the places that are there already."""
    folder = tmp_path_factory.mktemp("report")
    pq.write_table(table, folder / "table.parquet")
    page = folder / "page.html"
    said = report(folder / "table.parquet", "-o", page, "--x", "px", "--y", "py", "--color", "kind")
    assert said.startswith("300 rows -> ")
    return page


def until(page: Page, condition: str, patience: float = 10.0) -> None:
    """Waits until a JavaScript condition holds."""
    end = time.monotonic() + patience
    while not page.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < end, f"not within {patience} s: {condition}; {complaints(page)}"
        time.sleep(0.03)


def complaints(page: Page) -> list[str]:
    """What the page complains of, but for the software renderer saying that pictures of it are slow."""
    return [said for said in page.complaints() if "GL Driver Message (OpenGL, Performance" not in said]


def opened(browser: Browser, file: Path, **options) -> Page:
    # Where the mouse was left on the page before it would be over points of this one.
    mouse(browser, "mouseMoved", 1, 1)
    page = browser.open(file, **options)
    until(page, "window.ferromeReport?.ready", patience=40)
    return page


def place(page: Page, row: int) -> tuple[float, float]:
    """Where a point is in the window."""
    page.evaluate("document.getElementById('plane').scrollIntoView({block: 'center'})")
    x, y = page.evaluate(
        f"(() => {{ const box = document.getElementById('points').getBoundingClientRect();"
        f" const [x, y] = ferromeReport.plane.at({row}); return [box.x + x, box.y + y]; }})()"
    )
    return x, y


def mouse(browser: Browser, kind: str, x: float, y: float, **more) -> None:
    browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)


def drag(browser: Browser, line: list[tuple[float, float]], **more) -> None:
    """Holds the button along a line."""
    mouse(browser, "mouseMoved", *line[0], **more)
    mouse(browser, "mousePressed", *line[0], button="left", clickCount=1, **more)
    for x, y in line[1:]:
        mouse(browser, "mouseMoved", x, y, button="left", buttons=1, **more)
        time.sleep(0.02)
    mouse(browser, "mouseReleased", *line[-1], button="left", clickCount=1, **more)


def around(page: Page, rows: list[int], margin: float = 12) -> list[tuple[float, float]]:
    """A line around some points, corner by corner with stops between."""
    places = np.array([place(page, row) for row in rows])
    (left, top), (right, bottom) = places.min(axis=0) - margin, places.max(axis=0) + margin
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    line = [corners[0]]
    for (ax, ay), (bx, by) in zip(corners, corners[1:]):
        line += [(ax + (bx - ax) * t, ay + (by - ay) * t) for t in np.linspace(0.1, 1, 10)]
    return line


def near(picture: np.ndarray, x: float, y: float, reach: int = 3) -> np.ndarray:
    """The most colourful pixel near a place."""
    patch = picture[int(y) - reach : int(y) + reach + 1, int(x) - reach : int(x) + reach + 1].reshape(-1, 3).astype(int)
    return patch[np.argmax(patch.max(axis=1) - patch.min(axis=1))]


HUES = {"</script>gamma": (0, 114, 178), "alpha": (230, 159, 0), "beta": (0, 158, 115)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_have_the_colours_of_their_kinds(browser: Browser, made: Path, table: pa.Table, scheme: str) -> None:
    page = opened(browser, made, scheme=scheme)
    time.sleep(0.2)
    picture = page.pixels("#points")
    kinds = table["kind"].to_pylist()
    wrong = 0
    for row in range(0, 300, 5):
        x, y = page.evaluate(f"ferromeReport.plane.at({row})")
        colour = near(picture, x, y)
        distances = {kind: np.abs(colour - np.array(hue)).sum() for kind, hue in HUES.items()}
        wrong += min(distances, key=distances.get) != kinds[row]
    assert wrong == 0
    assert page.evaluate("document.getElementById('message').hidden"), "WebGL should be there"
    legend = page.evaluate("Array.from(document.querySelectorAll('#legend button'), b => b.lastChild.textContent)")
    assert legend == ["</script>gamma", "alpha", "beta"]


def test_another_column_gives_other_colours(browser: Browser, made: Path) -> None:
    page = opened(browser, made)
    before = page.pixels("#points")
    page.evaluate(
        "(() => { const s = document.getElementById('colour'); s.value = Array.from(s.options).find(o => o.text === 'length').value;"
        " s.dispatchEvent(new Event('change')); })()"
    )
    until(page, "document.querySelector('#legend .ramp')")
    time.sleep(0.3)
    after = page.pixels("#points")
    assert (np.abs(before.astype(int) - after.astype(int)).max(axis=2) > 40).sum() > 500
    assert complaints(page) == []


def test_mouse_over_a_point_shows_its_id(browser: Browser, made: Path, table: pa.Table) -> None:
    page = opened(browser, made)
    for row in [0, 2, 17]:
        x, y = place(page, row)
        mouse(browser, "mouseMoved", x - 60, y - 60)
        time.sleep(0.05)
        mouse(browser, "mouseMoved", x, y)
        until(page, "!document.getElementById('tip').hidden")
        shown = page.evaluate("[ferromeReport.hovered, document.querySelector('#tip strong').textContent]")
        # Another point may lie upon it.
        assert np.hypot(*np.subtract(place(page, shown[0]), (x, y))) < 6
        assert shown[1] == table["id"][shown[0]].as_py()
        assert f"{table['length'][shown[0]].as_py():,}" in page.evaluate("document.getElementById('tip').innerText")
    assert page.evaluate("document.title") == "table.parquet"


@pytest.mark.parametrize("way", ["button", "shift"])
def test_lasso_saves_the_ids_within(browser: Browser, made: Path, table: pa.Table, tmp_path: Path, way: str) -> None:
    page = opened(browser, made, width=1300, height=1000)
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    rows = [row for row in range(300) if row % 3 == 0]
    line = around(page, rows)
    if way == "button":
        page.evaluate("document.getElementById('lasso').click()")
        drag(browser, line)
    else:
        drag(browser, line, modifiers=8)
    until(page, "ferromeReport.selected.length > 0")
    assert sorted(page.evaluate("ferromeReport.selected")) == rows
    for button, name in [("save-ids", "ids.txt"), ("save-rows", "rows.csv")]:
        page.evaluate(f"document.getElementById('{button}').click()")
        end = time.monotonic() + 5
        while not (tmp_path / name).exists() and time.monotonic() < end:
            time.sleep(0.02)
    selected = page.evaluate("ferromeReport.selected")
    ids = [table["id"][row].as_py() for row in selected]
    assert (tmp_path / "ids.txt").read_text() == "".join(f"{name}\n" for name in ids)
    import polars

    saved = polars.read_csv(tmp_path / "rows.csv")
    assert saved["id"].to_list() == ids
    assert saved["length"].to_list() == [table["length"][row].as_py() for row in selected]


def test_search_selects(browser: Browser, made: Path) -> None:
    page = opened(browser, made)
    page.evaluate("document.getElementById('search').focus()")
    browser.call("Input.insertText", text="PROTEIN 29")
    assert page.evaluate("document.querySelectorAll('#found button').length") == 11
    for kind in ["keyDown", "keyUp"]:
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13)
    # `protein 29` is meant alone, though `protein 290` to `protein 299` contain it.
    until(page, "ferromeReport.selected.length === 1")
    assert page.evaluate("[ferromeReport.selected[0], document.querySelector('#chosen h3').textContent]") == [29, "protein 29"]
    page.evaluate("(() => { const s = document.getElementById('search'); s.value = '</SCRIPT'; s.dispatchEvent(new Event('input')); })()")
    assert page.evaluate("document.querySelector('#found button').textContent") == NASTY[0]


def test_neighbours_are_those_by_cosine(browser: Browser, made: Path, table: pa.Table) -> None:
    page = opened(browser, made)
    rows = np.stack(table["embedding"].to_numpy(zero_copy_only=False))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T
    for row in [1, 50, 299]:
        page.evaluate(f"ferromeReport.select([{row}])")
        until(page, f"document.querySelectorAll('#near button').length === 10 && ferromeReport.chosen === {row}")
        shown = page.evaluate("Array.from(document.querySelectorAll('#near button'), b => [b.lastChild.textContent, b.firstChild.textContent])")
        order = [other for other in np.argsort(-cosines[row]) if other != row][:10]
        assert [name for name, _ in shown] == [table["id"][int(other)].as_py() for other in order]
        assert [float(cosine) for _, cosine in shown] == pytest.approx(cosines[row][order], abs=6e-4)


def test_page_loads_nothing_and_is_no_html_of_its_names(browser: Browser, made: Path) -> None:
    page = opened(browser, made)
    assert page.requests() == [made.resolve().as_uri()]
    assert complaints(page) == []
    assert page.evaluate("document.querySelectorAll('i, b').length") == 0
    policy = page.evaluate("document.querySelector('meta[http-equiv]').content")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    run = page.evaluate("document.getElementById('run').innerText")
    assert "<i>a model</i>" in run and "mean" in run
    # A script that is not the page's own does not run.
    page.evaluate("(() => { const s = document.createElement('script'); s.textContent = 'window.foreign = 1'; document.body.append(s); })()")
    assert page.evaluate("typeof window.foreign") == "undefined"


@pytest.mark.parametrize("width", [390, 1440])
def test_page_fits_telephones_and_screens(browser: Browser, made: Path, width: int) -> None:
    page = opened(browser, made, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_webgl_points_are_drawn_on_a_plain_canvas(browser: Browser, made: Path, table: pa.Table) -> None:
    # As in a browser that has none: asking for it gives nothing.
    script = (
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind.includes('webgl') ? null : get.call(this, kind, ...rest); };"
    )
    number = browser.call("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"]
    try:
        page = opened(browser, made)
        assert "has no WebGL" in page.evaluate("document.getElementById('message').innerText")
        time.sleep(0.2)
        picture = page.pixels("#points").astype(int)
        assert ((picture.max(axis=2) - picture.min(axis=2)) > 60).sum() > 1500
        x, y = place(page, 40)
        mouse(browser, "mouseMoved", x, y)
        until(page, "!document.getElementById('tip').hidden")
        drag(browser, around(page, list(range(1, 300, 3))), modifiers=8)
        until(page, "ferromeReport.selected.length > 1")
        assert sorted(page.evaluate("ferromeReport.selected")) == list(range(1, 300, 3))
        assert complaints(page) == []
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=number)


def test_keys(browser: Browser, made: Path) -> None:
    page = opened(browser, made)

    def press(key: str) -> None:
        for kind in ["keyDown", "keyUp"]:
            browser.call("Input.dispatchKeyEvent", type=kind, key=key, **({"text": key} if len(key) == 1 else {}))

    press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    press("Escape")
    press("l")
    assert page.evaluate("document.getElementById('lasso').getAttribute('aria-pressed')") == "true"
    page.evaluate("(() => { ferromeReport.select([1, 2, 3]); document.getElementById('plane').focus(); })()")
    before = page.evaluate("ferromeReport.plane.at(100)")
    press("ArrowRight")
    press("+")
    time.sleep(0.3)
    assert np.hypot(*np.subtract(page.evaluate("ferromeReport.plane.at(100)"), before)) > 20
    press("Escape")
    assert page.evaluate("ferromeReport.selected") == []


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(5)
    score = random.normal(6, 1, 3000).astype(np.float32)
    score[17] = np.nan
    columns = {
        "drug_id": [f"drug {i}" for i in range(3000)],
        "target_id": [["ABL1", "EGFR"][i % 2] for i in range(3000)],
        "score": score,
        "in_domain": score > 5,
    }
    path = tmp_path_factory.mktemp("scores") / "scores.csv"
    import polars

    polars.DataFrame(columns).with_columns(polars.col("score").fill_nan(None)).write_csv(path)
    return path


def test_scores_are_sorted_and_spread_by_target(browser: Browser, scores: Path, tmp_path: Path) -> None:
    import polars

    said = report(scores, "-o", tmp_path / "scores.html")
    assert said.startswith("3,000 rows -> ")
    page = opened(browser, tmp_path / "scores.html")
    assert page.evaluate("document.getElementById('map')") is None
    best = polars.read_csv(scores).sort("score", descending=True, nulls_last=True)["drug_id"].to_list()
    rows = "Array.from(document.querySelectorAll('#row-table tbody tr'), row => row.cells[0].textContent)"
    assert page.evaluate(rows) == best[:100]
    page.evaluate("(() => { const c = document.getElementById('ascending'); c.checked = true; c.dispatchEvent(new Event('change')); })()")
    # The row without a score is last either way.
    assert page.evaluate(rows) == best[:-1][::-1][:100]
    captions = page.evaluate("Array.from(document.querySelectorAll('#bars figcaption'), c => c.textContent)")
    assert captions == ["ABL1: 1,500", "EGFR: 1,499"]
    assert page.evaluate("document.querySelectorAll('#bars rect').length") > 30
    assert complaints(page) == []


def test_maps_of_vectors_keep_clouds_apart(browser: Browser, table: pa.Table, tmp_path: Path) -> None:
    holed = table.set_column(
        table.schema.get_field_index("embedding"),
        "embedding",
        pa.array([None if i == 3 else ([float("nan")] * 8 if i == 4 else row) for i, row in enumerate(table["embedding"].to_pylist())]),
    )
    pq.write_table(holed, tmp_path / "table.parquet")
    for how in ["umap", "pca"]:
        said = report(tmp_path / "table.parquet", "-o", tmp_path / f"{how}.html", "--map", how, "--neighbours", "3")
        assert said.startswith("298 of 300 rows, 2 without a place left out -> "), said
        page = opened(browser, tmp_path / f"{how}.html")
        assert "2 rows without a vector of finite numbers are left out." in page.evaluate("document.body.innerText")
        x, y = (np.array(page.evaluate(f"Array.from(ferromeReport.plane.{axis})")) for axis in "xy")
        kinds = np.array([kind for i, kind in enumerate(table["kind"].to_pylist()) if i not in (3, 4)])
        distance = np.hypot(x[:, None] - x, y[:, None] - y)
        np.fill_diagonal(distance, np.inf)
        assert (kinds[distance.argmin(axis=1)] == kinds).mean() > 0.97, how


def test_anndata_with_obsm(browser: Browser, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    data = anndata.AnnData(np.ones((60, 3), np.float32))
    data.obs_names = [f"cell{i}" for i in range(60)]
    data.obs["type"] = np.array(["T", "B", "NK"])[np.arange(60) % 3]
    data.obs["type"] = data.obs["type"].astype("category")
    data.obsm["X_pca"] = random.normal(size=(60, 5))
    data.obsm["X_umap"] = random.normal(size=(60, 2)).astype(np.float32)
    data.write_h5ad(tmp_path / "cells.h5ad")
    report(tmp_path / "cells.h5ad", "-o", tmp_path / "cells.html", "--embedding", "X_pca", "--map", "pca")
    page = opened(browser, tmp_path / "cells.html")
    assert page.evaluate("ferromeReport.ids.at(59)") == "cell59"
    assert page.evaluate("Array.from(document.querySelectorAll('#legend button'), b => b.lastChild.textContent)") == ["B", "NK", "T"]


def test_more_rows_than_points_are_drawn_by_chance(browser: Browser, made: Path, scores: Path, tmp_path: Path) -> None:
    table = made.parent / "table.parquet"
    said = report(table, "-o", tmp_path / "a.html", "--map", "pca", "--points", "50", "--seed", "9")
    assert said.startswith("50 of 300 rows -> ")
    report(table, "-o", tmp_path / "b.html", "--map", "pca", "--points", "50", "--seed", "9")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    page = opened(browser, tmp_path / "a.html")
    assert "50 of the 300 rows were drawn by chance (seed 9)." in page.evaluate("document.body.innerText")
    # The best scores are not left to chance.
    report(scores, "-o", tmp_path / "c.html", "--points", "10")
    page = opened(browser, tmp_path / "c.html")
    import polars

    best = polars.read_csv(scores).sort("score", descending=True, nulls_last=True)["drug_id"].to_list()[:100]
    assert page.evaluate("Array.from(document.querySelectorAll('#row-table tbody tr'), row => row.cells[0].textContent)") == best


def test_bad_input_is_one_line(made: Path, table: pa.Table, tmp_path: Path) -> None:
    good, out = made.parent / "table.parquet", tmp_path / "a.html"
    folder = f"error: {tmp_path}"

    def said(name: str, content: pa.Table | str | None, *words: str) -> str:
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        elif content is not None:
            path.write_text(content)
        text = report(path, "-o", out, *words, fails=True)
        assert not out.exists()
        return text.removeprefix(f"{folder}/{name}: ").rstrip()

    plain = table.select(["id", "length", "kind"])
    assert said("plain.parquet", plain) == (
        "has no column of vectors, no columns of numbers `x` and `y` or `score`; name them by --embedding, --x and --y, "
        "or --score; found id (text), length (Int64), kind (text)"
    )
    assert said("a.parquet", table, "--color", "knd") == "has no column `knd`; nearest: `kind`, `id`, `px`, `py`, `length`"
    assert said("a.parquet", table, "--embedding", "embeding").startswith("has no column `embeding`; nearest: `embedding`")
    assert said("a.parquet", table, "--embedding", "kind") == "`kind` holds Utf8, expected one vector of floats per row"
    assert said("a.parquet", table, "--x", "px", "--y", "kind") == "`kind` holds text, expected numbers"
    assert said("a.parquet", table, "--color", "embedding") == (
        "`embedding` holds vectors, which the page cannot show; choose numbers or text"
    )
    assert said("empty.parquet", table.slice(0, 0)) == "holds no rows: there is nothing to show"
    nothing = pa.table({"id": ["a", "b"], "embedding": vectors(np.full((2, 3), np.nan))})
    assert said("nan.parquet", nothing) == (
        "none of its 2 rows has a vector of finite numbers in `embedding`: there is nothing to draw"
    )
    assert said("none.csv", "") == "is empty: expected a first line with the names of columns"
    assert said("a.xyz", "x") == (
        "unknown kind of table; expected .parquet, .csv, .tsv, .arrow, .feather, .h5ad, or a folder of Parquet parts"
    )
    assert said("text.parquet", "no parquet").startswith("is no Parquet file: ")
    assert "No such file" in report(tmp_path / "missing.parquet", "-o", out, fails=True)
    assert "there is no folder" in report(good, "-o", tmp_path / "none/a.html", fails=True)
    assert "choose a name with .html" in report(good, "-o", tmp_path / "a.pdf", fails=True)
    out.write_text("mine")
    assert report(good, "-o", out, fails=True).rstrip() == (
        f"error: {out}: exists already; pass --overwrite to replace it, or choose another name"
    )
    assert out.read_text() == "mine"
    report(good, "-o", out, "--overwrite", "--map", "pca")
    assert out.read_text().startswith("<!DOCTYPE html>")


def test_about_is_what_the_table_holds(made: Path, table: pa.Table) -> None:
    text = made.read_text()
    about = json.loads(text.split('id="about">')[1].split("</script>")[0])
    assert about["rows"] == 300 and about["near"]["count"] == 10
    assert [column["name"] for column in about["columns"]] == ["length", "kind", "px", "py"]
    assert "<th>Columns that are not here</th><td>error (no values)</td>" in text
    assert made.stat().st_size < 400_000
