/**
 * The page's own script, as it stands in the page: it tells what the picture shows at the moment that a person
 * points at, or moves to with the slider, and zooms along the axis of time. Everything else needs no script.
 */

export const PAGE_SCRIPT = `
'use strict';
const data = document.getElementById('moments');
if (data) {
  const SVG = 'http://www.w3.org/2000/svg';
  // No closer than this: figures are those of whole seconds, windows are true to some milliseconds.
  const CLOSEST_MS = 200;
  const moments = JSON.parse(data.textContent);
  const slider = document.getElementById('moment');
  const title = document.getElementById('moment-title');
  const list = document.getElementById('moment-lines');
  const shown = document.getElementById('shown-range');
  const button = (id) => document.getElementById('zoom-' + id);
  const element = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const pictures = [...document.querySelectorAll('svg.timeline')].map((svg) => {
    const left = +svg.dataset.left;
    const right = +svg.dataset.right;
    const height = svg.viewBox.baseVal.height;
    const clip = element('clipPath', { id: svg.id + '-clip' });
    clip.append(element('rect', { x: left, y: -height, width: right - left, height: 3 * height }));
    svg.append(clip);
    const onAxis = (selector) => [...svg.querySelectorAll(selector)].filter((one) => !one.closest('.legend'));
    const shapes = onAxis('rect[data-from-ms], path.ok, path.failed, path.line, path.fault-edge, path.fault-ending-edge');
    const bands = [...svg.querySelectorAll('rect.fault[data-act]')];
    // Words in or above a mark stay within its stretch of time; those beside one keep their distance.
    const words = [
      ...onAxis('.fault-names text').map((text, i) => ({ text, mark: bands[i], gap: 0, space: 1e9 })),
      ...onAxis('text.on-outage, text.on-brownout, text.on-down, text.on-returning').map((text) => (
        { text, mark: text.previousElementSibling, gap: 3, space: text.textContent.length * 6 })),
      ...onAxis('text.beside').map((text) => ({ text, gap: 3, space: 0 })),
    ].map((word) => ({ ...word, x: word.text.getAttribute('x') }));
    for (const shape of shapes) {
      // What is clipped is the frame, which stays, not the shape, which moves.
      const frame = element('g', { 'clip-path': 'url(#' + clip.id + ')' });
      shape.replaceWith(frame);
      frame.append(shape);
    }
    const ticks = svg.querySelector('.ticks');
    const drawn = [...ticks.childNodes];
    const cursor = element('path', { class: 'cursor' });
    const marked = element('rect', { class: 'marked', y: 0, height, width: 0 });
    svg.append(cursor, marked);
    return { svg, left, right, height, shapes, words, ticks, drawn, cursor, marked };
  });
  const whole = { fromMs: +pictures[0].svg.dataset.fromMs, toMs: +pictures[0].svg.dataset.toMs };
  let view = whole;
  let atMs = moments[0].fromMs;

  const xOf = ({ left, right }, ms) => left + ((ms - view.fromMs) / (view.toMs - view.fromMs)) * (right - left);
  const moveCursor = () => {
    for (const picture of pictures) {
      const x = xOf(picture, atMs);
      const inside = x >= picture.left && x <= picture.right;
      picture.cursor.setAttribute('d', inside ? 'M' + x.toFixed(1) + ',0V' + picture.height : '');
    }
  };
  const show = (index, ms) => {
    const moment = moments[index];
    atMs = ms;
    slider.value = index;
    slider.setAttribute('aria-valuetext', moment.title);
    title.textContent = moment.title;
    list.replaceChildren(...moment.lines.map((line) => {
      const item = document.createElement('li');
      item.textContent = line;
      return item;
    }));
    moveCursor();
  };

  const drawTicks = (picture) => {
    if (view === whole) {
      picture.ticks.replaceChildren(...picture.drawn);
      return;
    }
    const atMost = picture.right - picture.left > 500 ? 8 : 4;
    const rough = (view.toMs - view.fromMs) / 1000 / atMost;
    const decade = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((times) => times * decade).find((one) => one >= rough);
    const bottom = +picture.ticks.dataset.bottom;
    const made = [];
    for (let n = Math.ceil(view.fromMs / 1000 / step); n * step * 1000 <= view.toMs; n++) {
      const x = xOf(picture, n * step * 1000).toFixed(1);
      const label = element('text', { class: 'dim middle', x, y: picture.ticks.dataset.labels });
      label.textContent = (n * step).toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9))) + ' s';
      made.push(element('path', { class: 'grid', d: 'M' + x + ',0V' + bottom }), label);
    }
    picture.ticks.replaceChildren(...made);
  };
  const zoom = (fromMs, toMs) => {
    const all = whole.toMs - whole.fromMs;
    const wide = Math.min(all, Math.max(CLOSEST_MS, toMs - fromMs));
    const from = Math.min(whole.toMs - wide, Math.max(whole.fromMs, (fromMs + toMs - wide) / 2));
    view = wide >= all ? whole : { fromMs: from, toMs: from + wide };
    for (const picture of pictures) {
      const { left, shapes, words } = picture;
      const times = all / (view.toMs - view.fromMs);
      const moved = left - times * left - times * ((view.fromMs - whole.fromMs) / all) * (picture.right - left);
      for (const shape of shapes) {
        if (view === whole) shape.removeAttribute('transform');
        else shape.setAttribute('transform', 'matrix(' + times + ' 0 0 1 ' + moved + ' 0)');
      }
      for (const { text, mark, gap, space, x } of words) {
        text.classList.remove('outside');
        if (view === whole) {
          text.setAttribute('x', x);
          continue;
        }
        const startsAt = mark ? Math.max(left, xOf(picture, +mark.dataset.fromMs)) : times * (x - gap) + moved;
        const endsAt = mark ? Math.min(picture.right, xOf(picture, +mark.dataset.toMs)) : picture.right;
        text.setAttribute('x', (startsAt + gap).toFixed(1));
        const fits = space > 1e8 ? endsAt > left && startsAt < picture.right : endsAt - startsAt >= space;
        text.classList.toggle('outside', !fits || startsAt < left);
      }
      drawTicks(picture);
    }
    moveCursor();
    shown.textContent = (view.fromMs / 1000).toFixed(3) + ' s to ' + (view.toMs / 1000).toFixed(3) + ' s';
    for (const id of ['out', 'earlier', 'later', 'whole']) button(id).disabled = view === whole;
    button('in').disabled = view.toMs - view.fromMs <= CLOSEST_MS;
  };
  const around = (ms, wide) => zoom(ms - wide / 2, ms + wide / 2);
  const wide = () => view.toMs - view.fromMs;
  const center = () => (atMs >= view.fromMs && atMs <= view.toMs ? atMs : (view.fromMs + view.toMs) / 2);
  button('in').addEventListener('click', () => around(center(), wide() / 2));
  button('out').addEventListener('click', () => around((view.fromMs + view.toMs) / 2, wide() * 2));
  button('earlier').addEventListener('click', () => zoom(view.fromMs - wide() / 2, view.toMs - wide() / 2));
  button('later').addEventListener('click', () => zoom(view.fromMs + wide() / 2, view.toMs + wide() / 2));
  button('whole').addEventListener('click', () => zoom(whole.fromMs, whole.toMs));
  const faults = [...pictures[0].svg.querySelectorAll('rect.fault[data-act]')];
  if (faults.length === 0) button('faults').remove();
  else {
    button('faults').addEventListener('click', () => {
      const fromMs = Math.min(...faults.map((band) => +band.dataset.fromMs));
      const toMs = Math.max(...faults.map((band) => +band.dataset.toMs));
      const margin = Math.max(500, (toMs - fromMs) / 8);
      zoom(fromMs - margin, toMs + margin);
    });
  }

  const middle = (index) => (moments[index].fromMs + moments[index].toMs) / 2;
  slider.addEventListener('input', () => {
    show(+slider.value, middle(+slider.value));
    if (atMs < view.fromMs || atMs > view.toMs) around(atMs, wide());
  });
  for (const picture of pictures) {
    const { svg, left, right, marked } = picture;
    let pressedMs;
    const msAt = (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      return view.fromMs + ((x - left) / (right - left)) * (view.toMs - view.fromMs);
    };
    const within = (ms) => Math.min(view.toMs, Math.max(view.fromMs, ms));
    const mark = (fromMs, toMs) => {
      const [a, b] = [xOf(picture, fromMs), xOf(picture, toMs)];
      marked.setAttribute('x', Math.min(a, b));
      marked.setAttribute('width', Math.abs(b - a));
    };
    const point = (event) => {
      const ms = msAt(event);
      if (pressedMs !== undefined) mark(pressedMs, within(ms));
      if (ms < view.fromMs || ms > view.toMs) return;
      const after = moments.findIndex((moment) => moment.toMs > ms);
      show(after === -1 ? moments.length - 1 : after, ms);
    };
    svg.addEventListener('pointermove', point);
    svg.addEventListener('pointerdown', (event) => {
      point(event);
      // A finger scrolls the page.
      if (event.pointerType !== 'mouse' || event.button !== 0) return;
      const ms = msAt(event);
      if (ms < view.fromMs || ms > view.toMs) return;
      pressedMs = ms;
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    const release = (event) => {
      if (pressedMs === undefined) return;
      const toMs = within(msAt(event));
      const fromMs = pressedMs;
      pressedMs = undefined;
      mark(0, 0);
      marked.setAttribute('width', 0);
      // A hand that shakes is no wish to see less.
      if (event.type === 'pointerup' && Math.abs(xOf(picture, toMs) - xOf(picture, fromMs)) > 6) {
        zoom(Math.min(fromMs, toMs), Math.max(fromMs, toMs));
      }
    };
    svg.addEventListener('pointerup', release);
    svg.addEventListener('pointercancel', release);
    svg.addEventListener('dblclick', () => zoom(whole.fromMs, whole.toMs));
  }
  document.getElementById('moment-panel').hidden = false;
  document.getElementById('zoom').hidden = false;
  show(0, middle(0));
  zoom(whole.fromMs, whole.toMs);
  addEventListener('beforeprint', () => zoom(whole.fromMs, whole.toMs));
}
addEventListener('beforeprint', () => {
  for (const folded of document.querySelectorAll('details')) folded.open = true;
});
`;
