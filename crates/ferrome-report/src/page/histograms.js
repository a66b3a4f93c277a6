// How the numbers of a column are spread, for all rows or for each kind of another column.

const BARS = 40;
const FIGURES = 24;

const enableHistograms = (page) => {
  const numbers = page.columns.filter((column) => column.isNumber && column.values.some(Number.isFinite));
  byId("histograms").hidden = !numbers.length;
  if (!numbers.length) return;
  const place = (column) => String(page.columns.indexOf(column));
  const wanted = numbers.find((column) => column.name === about.score) ?? numbers[0];
  optionsOf(byId("histogram-of"), numbers.map((column) => [place(column), column.name]), place(wanted));
  const groups = grouping(page);
  const group = groups.find((column) => column.name === about.group);
  optionsOf(byId("histogram-by"), [["", "nothing"], ...groups.map((column) => [place(column), column.name])], group ? place(group) : "");
  const show = () => {
    const by = byId("histogram-by").value;
    showHistograms(page.columns[Number(byId("histogram-of").value)], by === "" ? null : page.columns[Number(by)]);
  };
  for (const id of ["histogram-of", "histogram-by"]) byId(id).addEventListener("change", show);
  show();
};

const showHistograms = (column, by) => {
  let [low, high] = [Infinity, -Infinity];
  for (const value of column.values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (high === low) high = low + 1;
  const groups = by ? by.texts.length + 1 : 1;
  const counts = Array.from({ length: groups }, () => new Uint32Array(BARS));
  const sums = new Uint32Array(groups);
  column.values.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    const group = by ? by.values[i] : 0;
    counts[group][Math.min(BARS - 1, Math.floor(((value - low) / (high - low)) * BARS))]++;
    sums[group]++;
  });
  const order = Array.from({ length: groups }, (_, group) => group).filter((group) => sums[group] > 0);
  const name = (group) => (by ? by.texts.at(group) || "none" : "all rows");
  order.sort((a, b) => sums[b] - sums[a] || compare(name(a), name(b)));
  const shown = order.slice(0, FIGURES).sort((a, b) => compare(name(a), name(b)));
  byId("histograms-said").textContent = order.length > shown.length
    ? `The ${shown.length} largest of ${number(order.length)} groups.` : "";
  const figure = (group) => make("figure", {}, bars(counts[group], low, high),
    make("figcaption", { textContent: `${name(group)}: ${number(sums[group])}` }));
  byId("bars").replaceChildren(...shown.map(figure));
};

const bars = (counts, low, high) => {
  const draw = (tag, attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };
  const svg = draw("svg", { viewBox: "0 0 240 110", role: "img", "aria-label": `from ${number(low)} to ${number(high)}` });
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  counts.forEach((count, i) => {
    const tall = (count / most) * 88;
    if (count) svg.append(draw("rect", { x: 6 * i, y: 92 - Math.max(tall, 0.8), width: 5.4, height: Math.max(tall, 0.8) }));
  });
  svg.append(draw("line", { x1: 0, x2: 240, y1: 92.5, y2: 92.5 }));
  svg.append(draw("text", { x: 0, y: 105 }, number(low)), draw("text", { x: 240, y: 105, "text-anchor": "end" }, number(high)));
  return svg;
};
