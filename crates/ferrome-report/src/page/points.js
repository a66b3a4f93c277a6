// Points under the mouse, chosen, selected, searched and saved.

const SHOWN = 8; // columns of a tip
const FOUND = 20; // ids of a list

/** The columns of a row as a list. */
const described = (page, i, most) => {
  const list = make("dl");
  for (const column of page.columns.slice(0, most)) {
    const text = column.text(i);
    if (text) list.append(make("dt", { textContent: column.name }), make("dd", { textContent: text }));
  }
  return list;
};

const showTip = (page, i) => {
  const tip = byId("tip");
  const first = page.coloured ? [page.coloured] : [];
  const columns = [...first, ...page.columns.filter((column) => column !== page.coloured)];
  tip.replaceChildren(make("strong", { textContent: page.ids.at(i) }), described({ columns }, i, SHOWN));
  tip.hidden = false;
  const [x, y] = page.plane.at(i);
  const plane = byId("plane");
  tip.style.left = `${Math.max(0, x + 14 + tip.offsetWidth > plane.clientWidth ? x - 14 - tip.offsetWidth : x + 14)}px`;
  tip.style.top = `${Math.max(0, Math.min(y + 14, plane.clientHeight - tip.offsetHeight - 4))}px`;
};

/** A row in full, and its nearest others. */
const showChosen = async (page, i) => {
  const box = byId("chosen");
  box.replaceChildren();
  if (i < 0) return;
  box.append(make("h3", { textContent: page.ids.at(i) }), described(page, i, page.columns.length));
  if (!about.near) return;
  page.near ??= Promise.all([arrayOf(about.near.others, "u32"), arrayOf(about.near.cosines, "i16")]);
  const [others, cosines] = await page.near;
  if (page.chosen !== i) return;
  const list = make("div", { id: "near" });
  const points = [];
  for (let place = i * about.near.count; place < (i + 1) * about.near.count; place++) {
    const other = others[place];
    if (other === 0xffffffff) break;
    points.push(other);
    const cosine = make("span", { className: "number", textContent: (cosines[place] / 32767).toFixed(3) });
    const button = make("button", { type: "button", className: "plain" }, cosine, page.ids.at(other));
    button.addEventListener("click", () => page.select([other]));
    list.append(button);
  }
  const all = make("button", { type: "button", textContent: "Select them" });
  all.addEventListener("click", () => page.select([i, ...points], i));
  box.append(make("h3", { textContent: "Nearest by cosine" }), list, all);
};

const showSelection = (page) => {
  const box = byId("selection");
  box.replaceChildren();
  const count = page.selected.length;
  if (!count) return;
  const ids = make("button", { type: "button", id: "save-ids", textContent: "Save ids" });
  ids.addEventListener("click", () => save("ids.txt", "text/plain", `${page.selected.map((i) => page.ids.at(i)).join("\n")}\n`));
  const rows = make("button", { type: "button", id: "save-rows", textContent: "Save rows as CSV" });
  rows.addEventListener("click", () => save("rows.csv", "text/csv", csv(page)));
  box.append(make("h3", { textContent: `${number(count)} selected` }), make("div", { className: "controls" }, ids, rows));
};

const csv = (page) => {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  // Numbers as they are held, not as they are shown.
  const value = (column, i) => (column.isNumber ? (Number.isNaN(column.values[i]) ? "" : String(column.values[i])) : column.text(i));
  const line = (cells) => `${cells.map(quoted).join(",")}\n`;
  const lines = page.selected.map((i) => line([page.ids.at(i), ...page.columns.map((column) => value(column, i))]));
  return line([about.id, ...page.columns.map((column) => column.name)]) + lines.join("");
};

const save = (name, type, text) => {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};

/** Ids that contain what is typed; what equals it or starts with it comes first. */
const search = (page, typed) => {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return [];
  const found = [[], [], []];
  page.ids.lower().forEach((id, i) => {
    const place = id.indexOf(wanted);
    if (place >= 0) found[id === wanted ? 0 : place === 0 ? 1 : 2].push(i);
  });
  return found.flat();
};

const enableSearch = (page) => {
  const [input, list] = [byId("search"), byId("found")];
  let found = [];
  const close = () => { list.hidden = true; };
  input.addEventListener("input", () => {
    found = search(page, input.value);
    const buttons = found.slice(0, FOUND).map((i) => {
      const button = make("button", { type: "button", className: "plain", textContent: page.ids.at(i) || "(empty)" });
      button.addEventListener("click", () => { close(); page.select([i]); page.plane.show([i]); });
      return make("li", {}, button);
    });
    const said = found.length > FOUND ? `${number(found.length)} in all; Enter selects them` : found.length ? "" : "none";
    if (said) buttons.push(make("li", { className: "caption", textContent: said }));
    list.replaceChildren(...buttons);
    list.hidden = !input.value.trim();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && found.length) {
      // What equals the typed text is meant alone.
      const wanted = input.value.trim().toLowerCase();
      const exact = found.filter((i) => page.ids.lower()[i] === wanted);
      const points = exact.length ? exact : found;
      close();
      page.select(points);
      page.plane.show(points);
    } else if (event.key === "Escape") {
      close();
      input.blur();
    } else if (event.key === "ArrowDown") {
      list.querySelector("button")?.focus();
      event.preventDefault();
    }
  });
  document.addEventListener("click", (event) => { if (!event.target.closest(".search")) close(); });
};
