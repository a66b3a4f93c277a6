// The arrays of the page: base64, zlib, little-endian.

const about = JSON.parse(document.getElementById("about").textContent);
const byId = (id) => document.getElementById(id);

/** The bytes of the element `blob-N`, which is emptied: nobody reads it twice. */
const bytesOf = async (number) => {
  const element = byId(`blob-${number}`);
  const text = element.textContent;
  element.remove();
  let packed;
  if (Uint8Array.fromBase64) {
    packed = Uint8Array.fromBase64(text);
  } else {
    const letters = atob(text);
    packed = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) packed[i] = letters.charCodeAt(i);
  }
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
};

const ARRAYS = { u8: Uint8Array, i16: Int16Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array };
const arrayOf = async (number, type) => new ARRAYS[type](await bytesOf(number));

/** Texts that stay bytes until they are asked for: a million strings would take longer than the first picture. */
class Texts {
  constructor(buffer) {
    this.length = new Uint32Array(buffer, 0, 1)[0];
    this.ends = new Uint32Array(buffer, 4, this.length + 1);
    this.bytes = new Uint8Array(buffer, 4 * (this.length + 2));
    this.decoder = new TextDecoder();
  }

  at(i) {
    return i < this.length ? this.decoder.decode(this.bytes.subarray(this.ends[i], this.ends[i + 1])) : "";
  }

  /** All in lower case, made when first searched. */
  lower() {
    this.lowered ??= Array.from({ length: this.length }, (_, i) => this.at(i).toLowerCase());
    return this.lowered;
  }
}

const textsOf = async (number) => new Texts(await bytesOf(number));

/** A column: its numbers, or the codes of its texts, where the code after the last one is none. */
class Column {
  constructor(told, values, texts) {
    Object.assign(this, { name: told.name, isNumber: told.kind === "number", values, texts });
  }

  /** As people read it. */
  text(i) {
    return this.isNumber ? number(this.values[i]) : this.texts.at(this.values[i]);
  }

  /** Rows of each code; the last is none. */
  counts() {
    if (!this.counted) {
      this.counted = new Uint32Array(this.texts.length + 1);
      for (const code of this.values) this.counted[code]++;
    }
    return this.counted;
  }

  /** Compares rows for sorting; what is none comes last either way. */
  order(ascending) {
    const sign = ascending ? 1 : -1;
    if (this.isNumber) {
      const v = this.values;
      return (a, b) => {
        const [one, other] = [Number.isNaN(v[a]), Number.isNaN(v[b])];
        return one || other ? one - other || a - b : sign * (v[a] - v[b]) || a - b;
      };
    }
    const names = Array.from({ length: this.texts.length }, (_, code) => code);
    names.sort((a, b) => compare(this.texts.at(a), this.texts.at(b)));
    const place = new Float64Array(this.texts.length + 1).fill(Infinity);
    names.forEach((code, i) => { place[code] = i; });
    const v = this.values;
    return (a, b) => {
      const [one, other] = [place[v[a]], place[v[b]]];
      if (one === other) return a - b;
      return one === Infinity || other === Infinity ? one - other : sign * (one - other);
    };
  }
}

const collator = new Intl.Collator("en", { numeric: true });
const compare = (a, b) => collator.compare(a, b);

/** A number with as many digits as say something. */
const number = (value) => {
  if (value === undefined || Number.isNaN(value)) return "";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(5)));
};

/** An element with text and children; nothing is ever read as HTML. */
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
