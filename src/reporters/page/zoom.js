/**
 * Script of `report.html`: describes the moment at the pointer or the slider, and zooms along the axis of time.
 * Everything else on the page works without it.
 */

/** @typedef {{ fromMs: number, toMs: number }} Stretch */
/** @typedef {Stretch & { title: string, lines: string[] }} Moment */
/**
 * A text with its mark. `space` is the width that it needs, in pixels; 1e9 for a text that is never hidden.
 * @typedef {{ text: SVGElement, mark?: SVGElement, gap: number, space: number, x: number }} Word
 */
/**
 * @typedef {object} Picture
 * @property {SVGSVGElement} svg
 * @property {number} left
 * @property {number} right
 * @property {number} height
 * @property {SVGElement[]} shapes
 * @property {Word[]} words
 * @property {SVGElement} ticks
 * @property {Node[]} drawn the ticks of the whole run
 * @property {SVGElement} cursor
 * @property {SVGElement} marked
 */

/** The closest zoom: figures are per second, and windows are exact to a few milliseconds. */
const CLOSEST_MS = 200;
/** The space of a text that is never hidden. */
const NO_LIMIT = 1e9;

/** @template {Element} E @param {string} id @param {new () => E} type @returns {E} */
function byId(id, type) {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${id}`);
}

/** @param {string} name @param {Record<string, string | number>} attributes */
function svgElement(name, attributes) {
  const made = /** @type {SVGElement} */ (document.createElementNS('http://www.w3.org/2000/svg', name));
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** @param {SVGElement} shape @returns {Stretch} */
function rangeOf({ dataset: { fromMs, toMs } }) {
  return { fromMs: Number(fromMs), toMs: Number(toMs) };
}

/** @param {SVGSVGElement} svg @returns {Picture} */
function pictureOf(svg) {
  const left = Number(svg.dataset.left);
  const right = Number(svg.dataset.right);
  const height = svg.viewBox.baseVal.height;
  const clip = svgElement('clipPath', { id: `${svg.id}-clip` });
  clip.append(svgElement('rect', { x: left, y: -height, width: right - left, height: 3 * height }));
  svg.append(clip);
  /** @param {string} selector @returns {SVGElement[]} */
  const onAxis = (selector) =>
    [.../** @type {NodeListOf<SVGElement>} */ (svg.querySelectorAll(selector))].filter(
      (one) => !one.closest('.legend'),
    );
  const shapes = onAxis('rect[data-from-ms], path.ok, path.failed, path.line, path.fault-edge, path.fault-ending-edge');
  const words = wordsOf(svg, onAxis);
  for (const shape of shapes) {
    // Clip a frame, which stays in place, not the shape, which moves.
    const frame = svgElement('g', { 'clip-path': `url(#${clip.id})` });
    shape.replaceWith(frame);
    frame.append(shape);
  }
  const ticks = /** @type {SVGElement} */ (svg.querySelector('.ticks'));
  const cursor = svgElement('path', { class: 'cursor' });
  const marked = svgElement('rect', { class: 'marked', y: 0, height, width: 0 });
  svg.append(cursor, marked);
  return { svg, left, right, height, shapes, words, ticks, drawn: [...ticks.childNodes], cursor, marked };
}

/**
 * Text in or above a mark stays within its range of time; text beside a mark keeps its distance.
 * @param {SVGSVGElement} svg @param {(selector: string) => SVGElement[]} onAxis @returns {Word[]}
 */
function wordsOf(svg, onAxis) {
  const bands = faultBands(svg);
  /** @param {SVGElement} text */
  const x = (text) => Number(text.getAttribute('x'));
  const named = onAxis('.fault-names text').map((text, i) => {
    const mark = bands[i];
    return { text, ...(mark ? { mark } : {}), gap: 0, space: NO_LIMIT, x: x(text) };
  });
  const inside = onAxis('text.on-outage, text.on-brownout, text.on-down, text.on-returning').map((text) => {
    const mark = text.previousElementSibling;
    const space = (text.textContent ?? '').length * 6;
    return { text, ...(mark instanceof SVGElement ? { mark } : {}), gap: 3, space, x: x(text) };
  });
  const beside = onAxis('text.beside').map((text) => ({ text, gap: 3, space: 0, x: x(text) }));
  return [...named, ...inside, ...beside];
}

/** @param {SVGSVGElement} svg @returns {SVGElement[]} */
function faultBands(svg) {
  return [.../** @type {NodeListOf<SVGElement>} */ (svg.querySelectorAll('rect.fault[data-act]'))];
}

/** The pictures of the page, the range in view, and the described moment. */
class Zoom {
  /** @param {Moment[]} moments @param {Picture[]} pictures @param {Stretch} whole */
  constructor(moments, pictures, whole) {
    this.moments = moments;
    this.pictures = pictures;
    this.whole = whole;
    this.view = whole;
    this.atMs = whole.fromMs;
    this.slider = byId('moment', HTMLInputElement);
  }

  /** @param {Picture} picture @param {number} ms */
  xOf({ left, right }, ms) {
    return left + ((ms - this.view.fromMs) / (this.view.toMs - this.view.fromMs)) * (right - left);
  }

  get wideMs() {
    return this.view.toMs - this.view.fromMs;
  }

  moveCursor() {
    for (const picture of this.pictures) {
      const x = this.xOf(picture, this.atMs);
      const inside = x >= picture.left && x <= picture.right;
      picture.cursor.setAttribute('d', inside ? `M${x.toFixed(1)},0V${picture.height}` : '');
    }
  }

  /** @param {number} index @param {number} ms */
  show(index, ms) {
    const moment = this.moments[index];
    if (!moment) return;
    this.atMs = ms;
    this.slider.value = String(index);
    this.slider.setAttribute('aria-valuetext', moment.title);
    byId('moment-title', HTMLElement).textContent = moment.title;
    const lines = moment.lines.map((line) => {
      const item = document.createElement('li');
      item.textContent = line;
      return item;
    });
    byId('moment-lines', HTMLElement).replaceChildren(...lines);
    this.moveCursor();
  }

  /** @param {number} index */
  middleOf(index) {
    const moment = this.moments[index];
    return moment ? (moment.fromMs + moment.toMs) / 2 : this.whole.fromMs;
  }

  /** @param {Picture} picture */
  drawTicks(picture) {
    const { view } = this;
    if (view === this.whole) {
      picture.ticks.replaceChildren(...picture.drawn);
      return;
    }
    const atMost = picture.right - picture.left > 500 ? 8 : 4;
    const rough = (view.toMs - view.fromMs) / 1000 / atMost;
    const decade = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5].map((times) => times * decade).find((one) => one >= rough) ?? 10 * decade;
    const { bottom = '', labels = '' } = picture.ticks.dataset;
    const made = [];
    for (let n = Math.ceil(view.fromMs / 1000 / step); n * step * 1000 <= view.toMs; n++) {
      const x = this.xOf(picture, n * step * 1000).toFixed(1);
      const label = svgElement('text', { class: 'dim middle', x, y: labels });
      label.textContent = `${(n * step).toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))} s`;
      made.push(svgElement('path', { class: 'grid', d: `M${x},0V${bottom}` }), label);
    }
    picture.ticks.replaceChildren(...made);
  }

  /** @param {Picture} picture */
  draw(picture) {
    const { view, whole } = this;
    const { left, right, shapes } = picture;
    const all = whole.toMs - whole.fromMs;
    const times = all / this.wideMs;
    const moved = left - times * left - times * ((view.fromMs - whole.fromMs) / all) * (right - left);
    for (const shape of shapes) {
      if (view === whole) shape.removeAttribute('transform');
      else shape.setAttribute('transform', `matrix(${times} 0 0 1 ${moved} 0)`);
    }
    for (const word of picture.words) this.place(word, picture, { times, moved });
    this.drawTicks(picture);
  }

  /** @param {Word} word @param {Picture} picture @param {{ times: number, moved: number }} by */
  place({ text, mark, gap, space, x }, picture, { times, moved }) {
    const { left, right } = picture;
    text.classList.remove('outside');
    if (this.view === this.whole) {
      text.setAttribute('x', String(x));
      return;
    }
    const startsAt = mark ? Math.max(left, this.xOf(picture, rangeOf(mark).fromMs)) : times * (x - gap) + moved;
    const endsAt = mark ? Math.min(right, this.xOf(picture, rangeOf(mark).toMs)) : right;
    text.setAttribute('x', (startsAt + gap).toFixed(1));
    const fits = space === NO_LIMIT ? endsAt > left && startsAt < right : endsAt - startsAt >= space;
    text.classList.toggle('outside', !fits || startsAt < left);
  }

  /** @param {number} fromMs @param {number} toMs */
  to(fromMs, toMs) {
    const { whole } = this;
    const all = whole.toMs - whole.fromMs;
    const wide = Math.min(all, Math.max(CLOSEST_MS, toMs - fromMs));
    const from = Math.min(whole.toMs - wide, Math.max(whole.fromMs, (fromMs + toMs - wide) / 2));
    this.view = wide >= all ? whole : { fromMs: from, toMs: from + wide };
    for (const picture of this.pictures) this.draw(picture);
    this.moveCursor();
    const seconds = [this.view.fromMs, this.view.toMs].map((ms) => `${(ms / 1000).toFixed(3)} s`);
    byId('shown-range', HTMLOutputElement).textContent = seconds.join(' to ');
    for (const id of ['out', 'earlier', 'later', 'whole']) buttonOf(id).disabled = this.view === whole;
    buttonOf('in').disabled = this.wideMs <= CLOSEST_MS;
  }

  /** @param {number} ms @param {number} wide */
  around(ms, wide) {
    this.to(ms - wide / 2, ms + wide / 2);
  }

  /** The described moment if it is in view; else the middle of the view. */
  get center() {
    const { fromMs, toMs } = this.view;
    return this.atMs >= fromMs && this.atMs <= toMs ? this.atMs : (fromMs + toMs) / 2;
  }
}

/** @param {string} id */
function buttonOf(id) {
  return byId(`zoom-${id}`, HTMLButtonElement);
}

/** @param {Zoom} zoom @param {SVGElement[]} faults */
function listenToButtons(zoom, faults) {
  const { whole } = zoom;
  /** @param {string} id @param {() => void} act */
  const on = (id, act) => buttonOf(id).addEventListener('click', act);
  const half = () => zoom.wideMs / 2;
  on('in', () => zoom.around(zoom.center, half()));
  on('out', () => zoom.around((zoom.view.fromMs + zoom.view.toMs) / 2, zoom.wideMs * 2));
  on('earlier', () => zoom.to(zoom.view.fromMs - half(), zoom.view.toMs - half()));
  on('later', () => zoom.to(zoom.view.fromMs + half(), zoom.view.toMs + half()));
  on('whole', () => zoom.to(whole.fromMs, whole.toMs));
  if (faults.length === 0) {
    buttonOf('faults').remove();
    return;
  }
  on('faults', () => {
    const ranges = faults.map(rangeOf);
    const fromMs = Math.min(...ranges.map((band) => band.fromMs));
    const toMs = Math.max(...ranges.map((band) => band.toMs));
    const margin = Math.max(500, (toMs - fromMs) / 8);
    zoom.to(fromMs - margin, toMs + margin);
  });
}

/** @param {Zoom} zoom */
function listenToSlider(zoom) {
  const { slider } = zoom;
  slider.addEventListener('input', () => {
    zoom.show(Number(slider.value), zoom.middleOf(Number(slider.value)));
    if (zoom.atMs < zoom.view.fromMs || zoom.atMs > zoom.view.toMs) zoom.around(zoom.atMs, zoom.wideMs);
  });
}

/** Pointing describes a moment; dragging zooms to a range. @param {Zoom} zoom @param {Picture} picture */
function listenToPointer(zoom, picture) {
  const { svg, left, right, marked } = picture;
  /** @type {number | undefined} */
  let pressedMs;
  /** @param {PointerEvent} event */
  const msAt = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    return zoom.view.fromMs + ((x - left) / (right - left)) * zoom.wideMs;
  };
  /** @param {number} ms */
  const inView = (ms) => ms >= zoom.view.fromMs && ms <= zoom.view.toMs;
  /** @param {number} ms */
  const within = (ms) => Math.min(zoom.view.toMs, Math.max(zoom.view.fromMs, ms));
  /** @param {PointerEvent} event */
  const point = (event) => {
    const ms = msAt(event);
    if (pressedMs !== undefined) {
      const [a, b] = [zoom.xOf(picture, pressedMs), zoom.xOf(picture, within(ms))];
      marked.setAttribute('x', String(Math.min(a, b)));
      marked.setAttribute('width', String(Math.abs(b - a)));
    }
    if (!inView(ms)) return;
    const after = zoom.moments.findIndex((moment) => moment.toMs > ms);
    zoom.show(after === -1 ? zoom.moments.length - 1 : after, ms);
  };
  /** @param {PointerEvent} event */
  const press = (event) => {
    point(event);
    // Touch scrolls the page.
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    const ms = msAt(event);
    if (!inView(ms)) return;
    pressedMs = ms;
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  };
  /** @param {PointerEvent} event */
  const release = (event) => {
    if (pressedMs === undefined) return;
    const [fromMs, toMs] = [pressedMs, within(msAt(event))];
    pressedMs = undefined;
    marked.setAttribute('width', '0');
    // Ignore small movements during a click.
    const drawn = Math.abs(zoom.xOf(picture, toMs) - zoom.xOf(picture, fromMs));
    if (event.type === 'pointerup' && drawn > 6) zoom.to(Math.min(fromMs, toMs), Math.max(fromMs, toMs));
  };
  svg.addEventListener('pointermove', point);
  svg.addEventListener('pointerdown', press);
  svg.addEventListener('pointerup', release);
  svg.addEventListener('pointercancel', release);
  svg.addEventListener('dblclick', () => zoom.to(zoom.whole.fromMs, zoom.whole.toMs));
}

function start() {
  const data = document.getElementById('moments');
  const pictures = [.../** @type {NodeListOf<SVGSVGElement>} */ (document.querySelectorAll('svg.timeline'))].map(
    pictureOf,
  );
  const [first] = pictures;
  // A run without a load has no picture.
  if (!data || !first) return;
  const zoom = new Zoom(JSON.parse(data.textContent ?? '[]'), pictures, rangeOf(first.svg));
  listenToButtons(zoom, faultBands(first.svg));
  listenToSlider(zoom);
  for (const picture of pictures) listenToPointer(zoom, picture);
  byId('moment-panel', HTMLElement).hidden = false;
  byId('zoom', HTMLElement).hidden = false;
  zoom.show(0, zoom.middleOf(0));
  zoom.to(zoom.whole.fromMs, zoom.whole.toMs);
  addEventListener('beforeprint', () => zoom.to(zoom.whole.fromMs, zoom.whole.toMs));
}

start();
addEventListener('beforeprint', () => {
  for (const folded of document.querySelectorAll('details')) folded.open = true;
});
