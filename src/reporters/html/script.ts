/**
 * The page's own script, as it stands in the page: it tells what the picture shows at the moment that a person
 * points at, or moves to with the slider. Everything else on the page needs no script.
 */

export const PAGE_SCRIPT = `
'use strict';
const data = document.getElementById('moments');
if (data) {
  const moments = JSON.parse(data.textContent);
  const slider = document.getElementById('moment');
  const title = document.getElementById('moment-title');
  const list = document.getElementById('moment-lines');
  const pictures = [...document.querySelectorAll('svg.timeline')].map((svg) => {
    const cursor = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    cursor.setAttribute('class', 'cursor');
    svg.append(cursor);
    const { left, right, fromMs, toMs } = svg.dataset;
    return { svg, cursor, left: +left, right: +right, fromMs: +fromMs, toMs: +toMs };
  });
  const show = (index, atMs) => {
    const moment = moments[index];
    slider.value = index;
    slider.setAttribute('aria-valuetext', moment.title);
    title.textContent = moment.title;
    list.replaceChildren(...moment.lines.map((line) => {
      const item = document.createElement('li');
      item.textContent = line;
      return item;
    }));
    for (const { svg, cursor, left, right, fromMs, toMs } of pictures) {
      const x = left + ((atMs - fromMs) / (toMs - fromMs)) * (right - left);
      cursor.setAttribute('d', 'M' + x.toFixed(1) + ',0V' + svg.viewBox.baseVal.height);
    }
  };
  const middle = (index) => (moments[index].fromMs + moments[index].toMs) / 2;
  slider.addEventListener('input', () => show(+slider.value, middle(+slider.value)));
  for (const { svg, left, right, fromMs, toMs } of pictures) {
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      const atMs = fromMs + ((x - left) / (right - left)) * (toMs - fromMs);
      if (atMs < fromMs || atMs > toMs) return;
      const after = moments.findIndex((moment) => moment.toMs > atMs);
      show(after === -1 ? moments.length - 1 : after, atMs);
    };
    svg.addEventListener('pointermove', point);
    svg.addEventListener('pointerdown', point);
  }
  document.getElementById('moment-panel').hidden = false;
  show(0, middle(0));
}
addEventListener('beforeprint', () => {
  for (const folded of document.querySelectorAll('details')) folded.open = true;
});
`;
