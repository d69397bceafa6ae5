/** Colours of the picture, light and dark. They are told apart also by people who see red and green alike. */

const LIGHT = `
  --tl-ground: #ffffff; --tl-ink: #1b1f24; --tl-dim: #57606a; --tl-grid: #d8dee4;
  --tl-ok: #2f6fb5; --tl-failed: #c2410c; --tl-median: #1a7f5a; --tl-p99: #7a3ea8; --tl-max: #8a6d00;
  --tl-fault: #c2410c; --tl-up: #b9d3ee; --tl-down: #4a3a36; --tl-on-down: #ffffff;
  --tl-outage: #b3261e; --tl-on-outage: #ffffff; --tl-brownout: #f0b429; --tl-on-brownout: #2b2000;
  --tl-primary: #1f5fa6; --tl-on-primary: #ffffff; --tl-sync: #7fb0e0; --tl-on-standby: #12202e;`;

const DARK = `
  --tl-ground: #0d1117; --tl-ink: #e6edf3; --tl-dim: #9aa4af; --tl-grid: #30363d;
  --tl-ok: #6cb0f5; --tl-failed: #ff8f5a; --tl-median: #4fd3a1; --tl-p99: #cba6f7; --tl-max: #e3c04b;
  --tl-fault: #ff8f5a; --tl-up: #274564; --tl-down: #d9c2bb; --tl-on-down: #1b1210;
  --tl-outage: #ff7b72; --tl-on-outage: #1c0605; --tl-brownout: #d9a520; --tl-on-brownout: #201800;
  --tl-primary: #7cb8f7; --tl-on-primary: #06121f; --tl-sync: #3f6d9c; --tl-on-standby: #e6edf3;`;

/** For a page or for the picture itself; printed as by day. */
export const TIMELINE_CSS = `
.timeline {${LIGHT}
  font: 11px/1.2 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
@media screen and (prefers-color-scheme: dark) { .timeline {${DARK} } }
.timeline text { fill: var(--tl-ink); }
.timeline .ground { fill: var(--tl-ground); }
.timeline .dim { fill: var(--tl-dim); }
.timeline .name { font-weight: 600; }
.timeline .end { text-anchor: end; }
.timeline .middle { text-anchor: middle; }
.timeline .grid { stroke: var(--tl-grid); stroke-width: 1; fill: none; }
.timeline .ok { fill: var(--tl-ok); }
.timeline .failed { fill: var(--tl-failed); }
.timeline .line { fill: none; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.timeline .median { stroke: var(--tl-median); }
.timeline .p99 { stroke: var(--tl-p99); stroke-dasharray: 5 2; }
.timeline .max { stroke: var(--tl-max); stroke-dasharray: 1 3; }
.timeline .fault { fill: var(--tl-fault); fill-opacity: 0.14; }
.timeline .in-legend { stroke: var(--tl-fault); stroke-width: 1; }
.timeline .fault-ending { fill: var(--tl-fault); fill-opacity: 0.06; }
.timeline .fault-edge { stroke: var(--tl-fault); stroke-width: 1; }
.timeline .fault-ending-edge { stroke: var(--tl-fault); stroke-width: 1; stroke-dasharray: 2 2; }
.timeline .idle { fill: var(--tl-grid); fill-opacity: 0.4; }
.timeline .busy { fill: var(--tl-up); }
.timeline .starved { fill: var(--tl-failed); }
.timeline .up { fill: var(--tl-up); }
.timeline .primary { fill: var(--tl-primary); }
.timeline .standby { fill: var(--tl-up); }
.timeline .sync-standby { fill: var(--tl-sync); }
.timeline .unknown { fill: var(--tl-grid); }
.timeline .two-primaries { fill: var(--tl-outage); }
.timeline .two-primaries-band { fill: var(--tl-outage); fill-opacity: 0.12; stroke: var(--tl-outage); stroke-width: 2; }
.timeline text.alarm { fill: var(--tl-outage); }
.timeline text.on-primary { fill: var(--tl-on-primary); }
.timeline text.on-standby, .timeline text.on-sync-standby, .timeline text.on-unknown { fill: var(--tl-on-standby); }
.timeline .down { fill: var(--tl-down); }
.timeline .returning { fill: var(--tl-brownout); }
.timeline .outage { fill: var(--tl-outage); }
.timeline .brownout { fill: var(--tl-brownout); }
.timeline text.on-down { fill: var(--tl-on-down); }
.timeline text.on-returning, .timeline text.on-brownout { fill: var(--tl-on-brownout); }
.timeline text.on-outage { fill: var(--tl-on-outage); }
.timeline .line, .timeline .fault-edge, .timeline .fault-ending-edge { vector-effect: non-scaling-stroke; }
.timeline .outside { display: none; }
.timeline .marked { fill: var(--tl-ok); fill-opacity: 0.25; }
.timeline .cursor { stroke: var(--tl-ink); stroke-width: 1; }
`.trim();
