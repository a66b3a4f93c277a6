// Puts the page together. `window.ferromeReport` is for tests and for the curious.

/** Rows with their columns, what is selected, and the plane that shows them. */
class Page {
  constructor(ids, columns) {
    Object.assign(this, { ids, columns, selected: [], chosen: -1, coloured: null, plane: null });
  }

  /** Selects points; one alone, or `chosen`, is described in full. */
  select(points, chosen = points.length === 1 ? points[0] : -1) {
    this.selected = points;
    this.chosen = chosen;
    this.plane?.select(points);
    if (about.map) {
      showSelection(this);
      showChosen(this, chosen);
    }
    showRows(this);
  }

  colour(column) {
    this.coloured = column;
    const colours = colouring(column, about.rows);
    showLegend(column, colours, (points) => this.select(points));
    return this.plane.draw(colours.codes, colours.palette);
  }
}

/** The column that colours at first: the one asked for, or one with some kinds, or with numbers. */
const firstColour = (columns) => {
  const named = (name) => columns.find((column) => column.name === name);
  const kinds = columns.filter((column) => !column.isNumber && column.texts.length > 1 && column.texts.length <= MOST_KINDS);
  return named(about.colour) ?? (about.score && named(about.score)) ?? kinds[0] ?? columns.find((column) => column.isNumber) ?? null;
};

/** From -1 to 1 in both directions, by the same factor. */
const fitted = (x, y) => {
  const range = (values) => values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
  const [[left, right], [low, high]] = [range(x), range(y)];
  const half = Math.max(right - left, high - low, 1e-12) / 2 / 0.95;
  return { x: x.map((v) => (v - (left + right) / 2) / half), y: y.map((v) => (v - (low + high) / 2) / half) };
};

const makePlane = (places, told) => {
  const canvas = byId("points");
  let reason = "This browser has no WebGL";
  if (hasWebGl()) {
    try {
      return new GlPlane(canvas, places, told);
    } catch (error) {
      reason = `WebGL failed (${error.message})`;
    }
  }
  const message = byId("message");
  const sparse = places.x.length > MOST_FLAT ? `, of more than ${number(MOST_FLAT)} points only some` : "";
  message.textContent = `${reason}: the points are drawn on a plain canvas, more slowly${sparse}.`;
  message.hidden = false;
  // A canvas that was asked for WebGL gives nothing else any more.
  const plain = canvas.cloneNode();
  canvas.replaceWith(plain);
  return new FlatPlane(plain, places, told);
};

const enableKeys = (page) => {
  const lasso = (on) => {
    page.plane.lasso(on);
    byId("lasso").setAttribute("aria-pressed", String(on));
  };
  const toggle = () => lasso(byId("lasso").getAttribute("aria-pressed") !== "true");
  byId("lasso").addEventListener("click", toggle);
  byId("whole").addEventListener("click", () => page.plane.whole());
  byId("clear").addEventListener("click", () => page.select([]));
  const moves = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, 0.2], ArrowDown: [0, -0.2], "+": [0, 0, 1.4],
    "=": [0, 0, 1.4], "-": [0, 0, 1 / 1.4] };
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, button") || event.ctrlKey || event.metaKey || event.altKey) return;
    const inPlane = event.target.closest("#plane");
    if (event.key === "/") byId("search").focus();
    else if (event.key === "l" || event.key === "L") toggle();
    else if (event.key === "0") page.plane.whole();
    else if (event.key === "Escape") page.select([]);
    else if (inPlane && moves[event.key]) page.plane.move(...moves[event.key]);
    else return;
    event.preventDefault();
  });
};

const showMap = async (page) => {
  const [x, y] = await Promise.all([arrayOf(about.map.x, "f32"), arrayOf(about.map.y, "f32")]);
  page.plane = makePlane(fitted(x, y), {
    over: (i) => { page.hovered = i; showTip(page, i); },
    out: () => { page.hovered = -1; byId("tip").hidden = true; },
    select: (points) => page.select(points),
  });
  const choice = byId("colour");
  const first = firstColour(page.columns);
  optionsOf(choice, [["", "nothing"], ...page.columns.map((column, i) => [String(i), column.name])],
    first ? String(page.columns.indexOf(first)) : "");
  choice.addEventListener("change", () => page.colour(choice.value === "" ? null : page.columns[Number(choice.value)]));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => page.plane.recolour());
  enableSearch(page);
  enableKeys(page);
  await page.colour(first);
};

const start = async () => {
  if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old; one of 2023 or later is needed");
  const columns = await Promise.all(about.columns.map(async (told) =>
    new Column(told, await arrayOf(told.values, told.type), told.kind === "text" ? await textsOf(told.texts) : null)));
  const page = new Page(await textsOf(about.ids), columns);
  window.ferromeReport = page;
  enableRows(page);
  if (about.map) await showMap(page);
  page.drawn = performance.now();
  showRows(page);
  enableHistograms(page);
  page.ready = true;
};

start().catch((error) => {
  const message = byId("message") ?? byId("rows-said");
  message.textContent = `The page cannot be shown: ${error.message}.`;
  message.hidden = false;
  throw error;
});
