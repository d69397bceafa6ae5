/** The look of the index page, beside what all pages have. Colours are told apart also without red and green. */

export const INDEX_CSS = `
:root { --first: #2f6fb5; --second: #7a3ea8; --third: #1a7f5a; --other: #8a6d00; }
@media screen and (prefers-color-scheme: dark) { :root {
  --first: #6cb0f5; --second: #cba6f7; --third: #4fd3a1; --other: #e3c04b; } }
body { max-width: 80rem; }
[hidden] { display: none !important; }
a { color: var(--focus); }
h3 { font-size: 1.05rem; margin: 1.5rem 0 0; }
.filter { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: center; }
.filter label { min-width: 0; max-width: 100%; }
.filter select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--rule); border-radius: 0.3rem; padding: 0.2rem; max-width: 100%; }
.figure { white-space: nowrap; font-variant-numeric: tabular-nums; }
#run-table .text { min-width: 20rem; }
#run-table tbody th { white-space: nowrap; font-weight: 400; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: 1rem; }
.charts svg { display: block; width: 100%; height: auto; font: 11px/1.2 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.charts text { fill: var(--dim); }
.charts .title { fill: var(--ink); font-weight: 600; }
.charts .end { text-anchor: end; }
.charts .grid { stroke: var(--rule); fill: none; }
.charts .line { fill: none; stroke-width: 1.5; stroke-linejoin: round; }
.charts .k0 { --k: var(--first); } .charts .k1 { --k: var(--second); } .charts .k2 { --k: var(--third); } .charts .k3 { --k: var(--other); }
.charts .k1 .line { stroke-dasharray: 6 2; } .charts .k2 .line { stroke-dasharray: 2 2; } .charts .k3 .line { stroke-dasharray: 8 2 2 2; }
.charts .line { stroke: var(--k); }
.charts circle, .charts .never { fill: var(--k); stroke: var(--k); }
.charts circle.fail, .charts circle.unknown { fill: var(--ground); stroke-width: 2; }
@media print { .filter { display: none; } .trend { break-inside: avoid; } }
`.trim();
