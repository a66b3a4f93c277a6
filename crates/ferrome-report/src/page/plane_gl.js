// Points drawn by regl-scatterplot, on the graphics processor.

/** Whether this browser can: WebGL with textures of floats. */
const hasWebGl = () => {
  const context = document.createElement("canvas").getContext("webgl");
  const has = Boolean(context && context.getExtension("OES_texture_float"));
  // Browsers keep few contexts alive.
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return has;
};

/** Points in a plane: `x` and `y` from -1 to 1; `told` is what happens with the mouse. */
class GlPlane {
  constructor(canvas, { x, y }, told) {
    Object.assign(this, { canvas, x, y, told, drawn: Promise.resolve() });
    const many = x.length > 20000;
    this.plot = scatterplotLibrary.default({
      canvas,
      width: "auto",
      height: "auto",
      pointSize: many ? (x.length > 200000 ? 1.5 : 2.5) : x.length > 2000 ? 4 : 6,
      pointSizeSelected: 2,
      pointOutlineWidth: 2,
      opacity: 0.85,
      ...(many ? { opacityBy: "density", opacityByDensityFill: 0.2 } : {}),
      opacityInactiveMax: 0.6,
      opacityInactiveScale: many ? 0.35 : 0.6,
      lassoInitiator: false,
      lassoOnLongPress: false,
      // The index of a million points takes half a second; a worker would need a script from a blob, which the page forbids.
      spatialIndexUseWorker: false,
      deselectOnDblClick: true,
      deselectOnEscape: false,
      backgroundColor: planeColour(),
    });
    this.plot.subscribe("pointOver", (i) => told.over(i));
    this.plot.subscribe("pointOut", () => told.out());
    this.plot.subscribe("select", ({ points }) => told.select(Array.from(points)));
    this.plot.subscribe("deselect", () => told.select([]));
  }

  /** Draws all points anew in the colours `palette[codes[i]]`. */
  draw(codes, palette) {
    const draw = () => {
      this.plot.set({ colorBy: "valueA", pointColor: palette, pointColorActive: palette.map((c) => mix(c, "#ffffff", 0.15)),
        pointColorHover: palette });
      const options = { zDataType: "categorical", preventFilterReset: true };
      if (this.indexed) options.spatialIndex = this.plot.get("spatialIndex");
      this.indexed = true;
      return this.plot.draw({ x: this.x, y: this.y, z: codes }, options);
    };
    // One after another: a second drawing while one is under way is refused.
    this.drawn = this.drawn.then(draw, draw);
    return this.drawn;
  }

  select(points) {
    return this.drawn.then(() => {
      if (points.length) this.plot.select(points, { preventEvent: true });
      else this.plot.deselect({ preventEvent: true });
    });
  }

  async show(points) {
    await this.drawn;
    await this.plot.zoomToPoints(points, { padding: points.length > 1 ? 0.3 : 20, transition: true, transitionDuration: 300 });
  }

  whole() {
    return this.drawn.then(() => this.plot.reset());
  }

  lasso(on) {
    this.plot.set({ mouseMode: on ? "lasso" : "panZoom" });
  }

  /** Moves by shares of what is seen, or nears by a factor. */
  move(right, up, factor = 1) {
    const [x, y] = this.plot.get("cameraTarget");
    const distance = this.plot.get("cameraDistance");
    const [wide, tall] = Array.isArray(distance) ? distance : [distance, distance];
    this.plot.set({ cameraTarget: [x + right * wide, y + up * tall], cameraDistance: wide / factor });
  }

  /** Where a point is on the canvas. */
  at(i) {
    return this.plot.getScreenPosition(i);
  }

  recolour() {
    this.plot.set({ backgroundColor: planeColour() });
  }
}

const planeColour = () => getComputedStyle(document.documentElement).getPropertyValue("--plane").trim();
