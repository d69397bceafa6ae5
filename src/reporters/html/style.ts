/** The look of the page: light and dark by the reader's system, narrow screens, paper. */

export const PAGE_CSS = `
:root { color-scheme: light dark;
  --ground: #ffffff; --card: #f6f8fa; --ink: #1b1f24; --dim: #57606a; --rule: #d0d7de; --focus: #0550ae;
  --pass: #116329; --pass-ground: #dafbe1; --fail: #8e1519; --fail-ground: #ffebe9; --unknown: #6c4a00; --unknown-ground: #fff3cd; }
@media screen and (prefers-color-scheme: dark) { :root {
  --ground: #0d1117; --card: #161b22; --ink: #e6edf3; --dim: #9aa4af; --rule: #30363d; --focus: #79c0ff;
  --pass: #7ee787; --pass-ground: #0f2f1a; --fail: #ffa198; --fail-ground: #3d1418; --unknown: #f2cc60; --unknown-ground: #3a2d0a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0.25rem 0 0.5rem; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 0.5rem; padding-top: 0.75rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 1.25rem 0 0.25rem; }
p { margin: 0.5rem 0; }
.dim { color: var(--dim); }
.badge { display: inline-block; padding: 0.1rem 0.6rem; border-radius: 0.4rem; font-weight: 700; white-space: nowrap; }
.pass { color: var(--pass); background: var(--pass-ground); }
.fail { color: var(--fail); background: var(--fail-ground); }
.unknown { color: var(--unknown); background: var(--unknown-ground); }
blockquote { margin: 0.75rem 0; padding: 0.25rem 0 0.25rem 0.9rem; border-left: 0.25rem solid var(--rule); font-size: 1.1rem; }
.finding { font-size: 1.1rem; font-weight: 600; }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.6rem; margin: 0.75rem 0; }
.headline div { background: var(--card); border-radius: 0.4rem; padding: 0.5rem 0.75rem; }
.headline dt { font-size: 0.9rem; }
.headline dt a { color: var(--dim); }
.headline dd { margin: 0; }
.headline strong { display: block; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.headline .limit { display: block; margin-top: 0.25rem; padding: 0 0.35rem; border-radius: 0.25rem; font-size: 0.85rem; }
.scroll { position: relative; overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; min-width: 100%; font-size: 0.9rem; }
caption { text-align: left; font-weight: 600; padding: 0.25rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--rule); overflow-wrap: break-word; }
td { min-width: 5rem; }
th { font-weight: 600; }
thead th { color: var(--dim); border-bottom-width: 2px; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.differs { font-weight: 700; color: var(--fail); }
.holds { text-align: center; min-width: 0; }
.text { min-width: 14rem; }
code, pre { font: 0.9em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--card); padding: 0.75rem; border-radius: 0.4rem; white-space: pre-wrap; }
details { margin: 0.5rem 0; }
summary { cursor: pointer; font-weight: 600; }
figure { margin: 0.75rem 0; }
figure svg { display: block; width: 100%; height: auto; }
.topology .row { display: flex; flex-wrap: wrap; gap: 0.6rem; justify-content: center; }
.topology .wire { height: 0.9rem; margin: 0 auto; border-left: 2px solid var(--rule); width: 0; }
.topology .node { border: 1px solid var(--rule); border-radius: 0.4rem; background: var(--card); padding: 0.4rem 0.7rem; text-align: center; min-width: 7rem; max-width: 14rem; }
.topology .struck { border: 2px solid var(--fail); }
.topology .harm { color: var(--fail); font-size: 0.85rem; }
.topology .partitions { display: flex; flex-wrap: wrap; gap: 0.25rem; justify-content: center; margin-top: 0.25rem; }
.topology .partition { border: 1px solid var(--focus); border-radius: 0.25rem; padding: 0 0.4rem; color: var(--focus); }
.topology .first { background: var(--focus); color: var(--ground); }
.narrow { display: none; }
[hidden] { display: none !important; }
.zoom { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; font-size: 0.9rem; }
.zoom button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--rule); border-radius: 0.3rem; padding: 0.2rem 0.6rem; cursor: pointer; }
.zoom button:disabled { color: var(--dim); cursor: default; }
.zoom output { font-variant-numeric: tabular-nums; }
.moment { background: var(--card); border-radius: 0.4rem; padding: 0.6rem 0.75rem; }
.moment label { display: block; font-weight: 600; }
.moment input { width: 100%; accent-color: var(--focus); }
.moment ul { margin: 0.25rem 0 0; padding-left: 1.2rem; font-size: 0.9rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
@media screen and (min-width: 40.01rem) {
  /* Where the page is too low for both, the words come to the picture while it is pointed at. */
  section:has(figure:hover) .moment { position: sticky; bottom: 0; pointer-events: none; border: 1px solid var(--rule); }
}
@media (hover: none) { .zoom .mouse { display: none; } }
@media (max-width: 40rem) {
  .wide { display: none; }
  .narrow { display: block; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .scroll { overflow: visible; }
  .moment, .zoom { display: none; }
  h2, h3, caption { break-after: avoid; }
  tr, figure { break-inside: avoid; }
}
`.trim();
