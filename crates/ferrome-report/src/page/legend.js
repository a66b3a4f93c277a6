// What the colours mean.

/** Shows the legend of `colours`; a kind that is clicked is selected. */
const showLegend = (column, colours, select) => {
  const box = byId("legend");
  box.replaceChildren();
  if (!column) return;
  box.append(make("h3", { textContent: column.name }));
  if (colours.range) {
    const { low, high, least, most, without } = colours.range;
    const bar = make("div", { className: "ramp" });
    bar.style.background = `linear-gradient(to right, ${VIRIDIS.join(", ")})`;
    const end = (value, extreme, sign) => (value === extreme ? number(value) : `${sign} ${number(value)}`);
    box.append(bar, make("div", { className: "ends" },
      make("span", { textContent: end(low, least, "≤") }), make("span", { textContent: end(high, most, "≥") })));
    if (without) box.append(make("div", {}, swatch(REST), `${number(without)} without a number`));
    return;
  }
  for (const kind of colours.kinds) {
    const button = make("button", { type: "button", className: "plain", title: "Select these" },
      make("span", { className: "number", textContent: number(kind.count) }), swatch(kind.colour), kind.name || "(empty)");
    button.addEventListener("click", () => {
      const points = [];
      colours.codes.forEach((code, i) => { if (code === kind.slot) points.push(i); });
      select(points);
    });
    box.append(button);
  }
};

const swatch = (colour) => {
  const mark = make("span", { className: "swatch" });
  mark.style.background = colour;
  return mark;
};
