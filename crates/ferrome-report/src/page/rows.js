// The table of rows: the first hundred in some order, of all or of those selected.

const LISTED = 100;

const optionsOf = (select, names, chosen) => {
  select.replaceChildren(...names.map(([value, text]) => make("option", { value, textContent: text, selected: value === chosen })));
};

/** Columns with few enough kinds to choose one of them. */
const grouping = (page) => page.columns.filter((column) => !column.isNumber && column.texts.length > 1 && column.texts.length <= 1000);

const enableRows = (page) => {
  const names = page.columns.map((column, i) => [String(i), column.name]);
  const score = page.columns.findIndex((column) => column.name === about.score);
  optionsOf(byId("sort"), [["", "place in the table"], ...names], score >= 0 ? String(score) : "");
  const group = page.columns.find((column) => column.name === about.group) ?? null;
  page.grouped = group;
  byId("only-label").hidden = !group;
  if (group) {
    const kinds = Array.from({ length: group.texts.length }, (_, code) => [String(code), group.texts.at(code)]);
    kinds.sort((a, b) => compare(a[1], b[1]));
    optionsOf(byId("only"), [["", `every ${group.name}`], ...kinds], "");
  }
  for (const id of ["sort", "only", "ascending", "only-selected"]) byId(id).addEventListener("change", () => showRows(page));
};

const listed = (page) => {
  const only = byId("only").value;
  let rows = byId("only-selected").checked ? page.selected : Array.from({ length: about.rows }, (_, i) => i);
  if (page.grouped && only !== "") rows = rows.filter((i) => page.grouped.values[i] === Number(only));
  const sort = byId("sort").value;
  const ascending = byId("ascending").checked;
  const order = sort === "" ? (a, b) => (ascending ? b - a : a - b) : page.columns[Number(sort)].order(ascending);
  return [first(rows, order), rows.length];
};

/** The first rows in an order, without putting a million in order. */
const first = (rows, order) => {
  const best = [];
  for (const row of rows) {
    best.push(row);
    if (best.length >= 20 * LISTED) best.sort(order).splice(LISTED);
  }
  return best.sort(order).slice(0, LISTED);
};

const showRows = (page) => {
  const [rows, all] = listed(page);
  const table = byId("row-table");
  const chosen = new Set(page.selected);
  const kind = (column) => (column.isNumber ? "n" : "");
  const head = page.columns.map((column) => make("th", { textContent: column.name, className: kind(column) }));
  table.tHead.replaceChildren(make("tr", {}, make("th", { textContent: about.id }), ...head));
  const lines = rows.map((i) => {
    const cells = page.columns.map((column) => make("td", { textContent: column.text(i), className: kind(column), title: column.text(i) }));
    const line = make("tr", { className: chosen.has(i) ? "picked" : "" }, make("th", { textContent: page.ids.at(i) }), ...cells);
    line.addEventListener("click", () => page.select([i]));
    return line;
  });
  table.tBodies[0].replaceChildren(...lines);
  byId("rows-said").textContent = `${number(rows.length)} of ${number(all)} rows`;
};
