// Colours that people with any colour vision tell apart as far as possible: Okabe and Ito's eight, then darker and lighter
// ones of the same hues; viridis for numbers.

const HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b0a020", "#8250c4"];
const SHADES = [null, ["#000000", 0.42], ["#ffffff", 0.5]];
const MOST_KINDS = HUES.length * SHADES.length;
const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
const STEPS = 64;
const REST = "#9aa1a9";

const mix = (a, b, share) => {
  const channel = (colour, i) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mixed = [0, 1, 2].map((i) => Math.round(channel(a, i) * (1 - share) + channel(b, i) * share));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
};

const kindColour = (i) => {
  const shade = SHADES[Math.floor(i / HUES.length)];
  const hue = HUES[i % HUES.length];
  return shade ? mix(hue, ...shade) : hue;
};

const ramp = (share) => {
  const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return mix(VIRIDIS[low], VIRIDIS[low + 1], place - low);
};

/**
 * How a column colours points: `codes`, a place in `palette` for each row, and what the legend says.
 * Numbers go from their 1 % to their 99 % quantile, so that a few extremes do not take all colours.
 */
const colouring = (column, rows) => {
  const codes = new Uint8Array(rows);
  if (!column) return { codes, palette: [HUES[0]], kinds: [] };
  if (column.isNumber) return numeric(column, codes);
  const counts = column.counts();
  const none = column.texts.length;
  const order = Array.from({ length: none }, (_, code) => code).filter((code) => counts[code] > 0);
  order.sort((a, b) => counts[b] - counts[a] || compare(column.texts.at(a), column.texts.at(b)));
  const shown = order.slice(0, order.length > MOST_KINDS ? MOST_KINDS - 1 : MOST_KINDS);
  shown.sort((a, b) => compare(column.texts.at(a), column.texts.at(b)));
  const slot = new Uint8Array(none + 1).fill(shown.length);
  shown.forEach((code, i) => { slot[code] = i; });
  for (let i = 0; i < rows; i++) codes[i] = slot[column.values[i]];
  const kinds = shown.map((code, i) => ({ name: column.texts.at(code), count: counts[code], colour: kindColour(i), slot: i }));
  const others = order.length - shown.length;
  const left = rows - kinds.reduce((sum, kind) => sum + kind.count, 0);
  if (left > 0) {
    const name = [others ? `${number(others)} others` : "", counts[none] ? "none" : ""].filter(Boolean).join(" and ");
    kinds.push({ name, count: left, colour: REST, slot: shown.length });
  }
  return { codes, palette: [...shown.map((_, i) => kindColour(i)), REST], kinds };
};

const numeric = (column, codes) => {
  const known = Float64Array.from(column.values).filter(Number.isFinite).sort();
  const at = (share) => known[Math.min(known.length - 1, Math.floor(share * known.length))];
  const [low, high] = known.length ? [at(0.01), at(0.99)] : [0, 1];
  const scale = high > low ? (STEPS - 1) / (high - low) : 0;
  column.values.forEach((value, i) => {
    const place = Math.round((value - low) * scale);
    codes[i] = Number.isNaN(value) ? STEPS : Math.min(Math.max(place, 0), STEPS - 1);
  });
  const palette = Array.from({ length: STEPS }, (_, i) => ramp(i / (STEPS - 1)));
  const range = { low, high, least: known[0], most: known[known.length - 1], without: codes.length - known.length };
  return { codes, palette: [...palette, REST], kinds: [], range };
};
