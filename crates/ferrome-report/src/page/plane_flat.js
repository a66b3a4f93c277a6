// Points drawn on a plain canvas, where there is no WebGL: the same verbs as GlPlane.

const NEAR = 8; // pixels within which the mouse is over a point
const MOST_FLAT = 200000; // points that are drawn while the map moves

class FlatPlane {
  constructor(canvas, { x, y }, told) {
    Object.assign(this, { canvas, x, y, told, codes: new Uint8Array(x.length), palette: [HUES[0]], chosen: new Set() });
    this.view = { x: 0, y: 0, scale: 1 };
    this.context = canvas.getContext("2d");
    this.size = x.length > 20000 ? 1.5 : x.length > 2000 ? 3 : 5;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => told.out());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  draw(codes, palette) {
    Object.assign(this, { codes, palette });
    this.paint();
    return Promise.resolve();
  }

  select(points) {
    this.chosen = new Set(points);
    this.paint();
    return Promise.resolve();
  }

  show(points) {
    const xs = points.map((i) => this.x[i]);
    const ys = points.map((i) => this.y[i]);
    const [left, right] = [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))];
    const [low, high] = [ys.reduce((a, b) => Math.min(a, b)), ys.reduce((a, b) => Math.max(a, b))];
    const size = Math.max(right - left, high - low, 0.05);
    this.view = { x: (left + right) / 2, y: (low + high) / 2, scale: 1 / size };
    this.paint();
    return Promise.resolve();
  }

  whole() {
    this.view = { x: 0, y: 0, scale: 1 };
    this.paint();
    return Promise.resolve();
  }

  lasso(on) {
    this.lassoing = on;
  }

  move(right, up, factor = 1) {
    this.view.x += right / this.view.scale;
    this.view.y += up / this.view.scale;
    this.view.scale *= factor;
    this.paint();
  }

  at(i) {
    const half = Math.min(this.canvas.clientWidth, this.canvas.clientHeight) / 2;
    const scale = half * this.view.scale;
    return [
      this.canvas.clientWidth / 2 + (this.x[i] - this.view.x) * scale,
      this.canvas.clientHeight / 2 - (this.y[i] - this.view.y) * scale,
    ];
  }

  recolour() {
    this.paint();
  }

  paint() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paintNow());
  }

  paintNow() {
    const { canvas, context, codes, chosen } = this;
    const ratio = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = planeColour();
    context.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const step = Math.ceil(this.x.length / MOST_FLAT);
    const size = this.size;
    context.globalAlpha = chosen.size ? 0.25 : 0.85;
    // One colour after another: changing it costs more than a point.
    this.palette.forEach((colour, code) => {
      context.fillStyle = colour;
      for (let i = 0; i < codes.length; i += step) {
        if (codes[i] !== code) continue;
        const [x, y] = this.at(i);
        context.fillRect(x - size / 2, y - size / 2, size, size);
      }
    });
    context.globalAlpha = 1;
    for (const i of chosen) {
      const [x, y] = this.at(i);
      context.fillStyle = this.palette[codes[i]];
      context.fillRect(x - size, y - size, 2 * size, 2 * size);
    }
    if (this.line?.length > 1) {
      context.strokeStyle = "#e06c2b";
      context.beginPath();
      this.line.forEach(([x, y]) => context.lineTo(x, y));
      context.closePath();
      context.stroke();
    }
  }

  down(event) {
    this.canvas.setPointerCapture?.(event.pointerId);
    this.start = [event.offsetX, event.offsetY];
    this.line = event.shiftKey || this.lassoing ? [this.start] : null;
    this.held = { ...this.view, moved: false };
  }

  moved(event) {
    const place = [event.offsetX, event.offsetY];
    if (this.line) {
      this.line.push(place);
      this.paint();
    } else if (this.held) {
      const scale = (Math.min(this.canvas.clientWidth, this.canvas.clientHeight) / 2) * this.view.scale;
      const [right, down] = [place[0] - this.start[0], place[1] - this.start[1]];
      this.held.moved ||= Math.hypot(right, down) > 3;
      this.view.x = this.held.x - right / scale;
      this.view.y = this.held.y + down / scale;
      this.paint();
    } else {
      const near = this.near(place);
      if (near >= 0) this.told.over(near);
      else this.told.out();
    }
  }

  up() {
    if (this.line?.length > 2) {
      this.told.select(this.within(this.line));
    } else if (this.held && !this.held.moved) {
      const near = this.near(this.start);
      this.told.select(near >= 0 ? [near] : []);
    }
    this.line = null;
    this.held = null;
    this.paint();
  }

  wheel(event) {
    event.preventDefault();
    this.view.scale *= Math.exp(-event.deltaY / 400);
    this.paint();
  }

  near([x, y]) {
    let [best, least] = [-1, NEAR];
    for (let i = 0; i < this.x.length; i++) {
      const [px, py] = this.at(i);
      const distance = Math.hypot(px - x, py - y);
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  /** Points within a polygon: a line to the right crosses its edge an odd number of times. */
  within(line) {
    const found = [];
    for (let i = 0; i < this.x.length; i++) {
      const [x, y] = this.at(i);
      let inside = false;
      for (let a = 0, b = line.length - 1; a < line.length; b = a++) {
        const [ax, ay] = line[a];
        const [bx, by] = line[b];
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
      }
      if (inside) found.push(i);
    }
    return found;
  }
}
