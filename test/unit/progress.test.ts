/** The live view, on a fake stream and in fake time. */

import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { openProgress, type Progress } from '../../src/cli/progress.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { Scenario } from '../../src/model/scenario.ts';
import { failedReport, HOSTILE, passedReport } from '../support/sample-report.ts';
import { sharded } from '../support/sharded.ts';

const SCENARIO: Scenario = {
  name: 'one-worker',
  summary: 'One worker stops; every message stays readable.',
  file: 'scenarios/one-worker.yaml',
  source: '',
  cluster: { ...sharded({ workers: 4, replication: 2, partitions: 4 }), platform: 'auto', engine: 'auto' },
  workload: { use: 'chat', params: {} },
  steadyStateMs: 2_000,
  faults: [
    {
      fault: 'node-stop',
      target: { nodes: ['worker1'] },
      atMs: 0,
      forMs: 8_000,
      params: {},
      place: { file: 'scenarios/one-worker.yaml', line: 12, column: 5 },
    },
  ],
  settleWithinMs: 30_000,
  hypothesis: [],
};

class FakeStream extends Writable {
  readonly isTTY: boolean;
  columns = 80;
  rows = 24;
  raw = '';
  stalls = false;

  constructor(isTTY: boolean) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.raw += chunk;
    if (!this.stalls) done();
  }
}

interface Stage {
  readonly progress: Progress;
  readonly stream: FakeStream;
  /** Lets time pass, and the timers ring that are due in it. */
  pass(ms: number): void;
  readonly ticking: number;
}

function open(isTTY: boolean, env: Record<string, string> = {}): Stage {
  const stream = new FakeStream(isTTY);
  const timers = new Set<{ everyMs: number; dueMs: number; tick: () => void }>();
  let nowMs = 50_000;
  const progress = openProgress(SCENARIO, {
    stream,
    env,
    now: () => nowMs,
    ticker: (everyMs, tick) => {
      const timer = { everyMs, dueMs: nowMs + everyMs, tick };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  return {
    progress,
    stream,
    pass(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const next = [...timers].sort((a, b) => a.dueMs - b.dueMs)[0];
        if (!next || next.dueMs > untilMs) break;
        nowMs = next.dueMs;
        next.dueMs += next.everyMs;
        next.tick();
      }
      nowMs = untilMs;
    },
    get ticking() {
      return timers.size;
    },
  };
}

/** Plays a report's events at their times, and a steady load from the steady state to its stop. */
function play({ progress, pass }: Stage, events: readonly TimedEvent[]): void {
  let atMs = 0;
  let loaded = false;
  for (const event of events) {
    while (atMs < event.at) {
      const stepMs = Math.min(50, event.at - atMs);
      if (loaded) {
        progress.counts('read', 'ok', 10);
        progress.counts('write', atMs > 4_100 && atMs < 4_350 ? 'fail' : 'ok', 2);
      }
      pass(stepMs);
      atMs += stepMs;
    }
    if (event.type === 'phase-started') loaded = ['steady-state', 'fault', 'settle'].includes(event.phase);
    if (event.type === 'load-kept') loaded = false;
    progress.event(event);
  }
}

/** What a terminal shows in the end: as far as log-update makes use of it. */
function screen(raw: string): string[] {
  const rows = [''];
  let row = 0;
  let column = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is imitated
  for (const [token] of raw.matchAll(/\u001b\[\??(\d*)([A-Za-z])|\n|\r|[^\u001b\n\r]+/g)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is imitated
    const [, count = '', command] = /^\u001b\[\??(\d*)([A-Za-z])/.exec(token) ?? [];
    const n = Number(count || 1);
    if (token === '\n') {
      row++;
      column = 0;
      rows[row] ??= '';
    } else if (command === 'A') row = Math.max(0, row - n);
    else if (command === 'B') row = Math.min(rows.length - 1, row + n);
    else if (command === 'G') column = n - 1;
    else if (command === 'K') rows[row] = count === '2' ? '' : (rows[row] as string).slice(0, column);
    else if (command === undefined && token !== '\r') {
      const old = (rows[row] as string).padEnd(column);
      rows[row] = old.slice(0, column) + token + old.slice(column + token.length);
      column += token.length;
    }
  }
  return rows.map((line) => line.trimEnd());
}

describe('where there is no terminal', () => {
  test('one line for each event, and counts once a second while load runs', () => {
    const stage = open(false);
    play(stage, passedReport.timeline);
    stage.progress.close();
    expect(stage.stream.raw).toMatchInlineSnapshot(`
      "   0.0 s  platform   local, engine native: it needs nothing but Node.js
         0.0 s  provision  starting 5 servers
         0.9 s  form       4 shards on 2 workers each
         2.0 s  form       cluster of 5 servers ready, engine native
         2.0 s  predict    with worker1 down: all shards readable and writable
         2.0 s  steady     load without faults
         3.0 s  load       read 200 ok 0 failed  write 40 ok 0 failed
         4.0 s  load       read 400 ok 0 failed  write 80 ok 0 failed
         4.0 s  fault      node-stop worker1 requested
         4.1 s  fault      node-stop worker1 in effect after 96 ms: postmaster 4711 and its 9 other processes are gone (exit code 0), SQL refused (ECONNREFUSED)
         5.0 s  load       read 630 ok 0 failed  write 116 ok 10 failed
         6.0 s  load       read 830 ok 0 failed  write 156 ok 10 failed
         7.0 s  load       read 1030 ok 0 failed  write 196 ok 10 failed
         8.0 s  load       read 1230 ok 0 failed  write 236 ok 10 failed
         9.0 s  load       read 1430 ok 0 failed  write 276 ok 10 failed
        10.0 s  load       read 1630 ok 0 failed  write 316 ok 10 failed
        11.0 s  load       read 1830 ok 0 failed  write 356 ok 10 failed
        12.0 s  load       read 2030 ok 0 failed  write 396 ok 10 failed
        12.1 s  heal       bringing worker1 back
        12.4 s  heal       worker1 back after 282 ms: postmaster 4802 and 8 other processes are running, accepts SQL
        12.4 s  settle     the load runs until service is normal, or the limit
        13.0 s  load       read 2260 ok 0 failed  write 442 ok 10 failed
        14.0 s  load       read 2460 ok 0 failed  write 482 ok 10 failed
        15.0 s  load       read 2660 ok 0 failed  write 522 ok 10 failed
        15.0 s  load       read 2670 ok 0 failed  write 524 ok 10 failed
        15.0 s  settle     load stopped: 3,315 operations due, all sent
        15.1 s  settle     placements of every shard agree 104 ms after the load stopped
        15.1 s  reads      reading all rows via the coordinator and each placement
        15.3 s  dispose    stopping and removing the servers
      "
    `);
  });

  test('what went wrong is said', () => {
    const stage = open(false);
    play(stage, failedReport.timeline);
    stage.progress.event({ at: 17_000, type: 'interrupted', reason: 'interrupted by SIGINT' });
    stage.progress.event({ at: 17_001, type: 'fault-failed', act: 0, error: 'worker2 is running and accepts SQL' });
    stage.progress.close();
    const events = stage.stream.raw.split('\n').filter((line) => !/ load {5} /.test(line));
    expect(events.slice(3)).toMatchInlineSnapshot(`
      [
        "   2.0 s  form       cluster of 5 servers ready, engine native",
        "   2.0 s  predict    with worker2, worker3, worker4 down: shards A, D readable and writable",
        "   2.0 s  steady     load without faults",
        "   4.0 s  fault      node-stop worker2, worker3, worker4 requested",
        "   4.2 s  fault      node-stop worker2, worker3, worker4 in effect after 196 ms: worker2: postmaster 4712 and its 9 other processes are gone, SQL refused (ECONNREFUSED); worker3: postmaster 4713 and its 9 other processes are gone, SQL refused (ECONNREFUSED); worker4: postmaster 4714 and its 9 other processes are gone, SQL refused (ECONNREFUSED)",
        "  12.2 s  heal       bringing worker2, worker3, worker4 back",
        "  16.2 s  heal       worker2, worker3, worker4 NOT healed: worker3 does not accept SQL: ECONNREFUSED",
        "  16.2 s  settle     the load runs until service is normal, or the limit",
        "  16.4 s  settle     placements still differ 30 s after the load stopped",
        "  16.4 s  repair     if worker2, worker3, worker4 stay away: see "Repair" in the report",
        "  16.4 s  reads      reading all rows via the coordinator and each placement",
        "  16.5 s  reads      worker3/B could not be read: connect ECONNREFUSED 127.0.0.1:40004",
        "  17.0 s  stop       interrupted by SIGINT",
        "  17.0 s  fault      node-stop worker2, worker3, worker4 did not take effect: worker2 is running and accepts SQL",
        "",
      ]
    `);
  });

  test('counts come at most once a second, only when something came, and one last time', () => {
    const { progress, pass, stream } = open(false);
    pass(5_000);
    expect(stream.raw).toBe('');
    for (let i = 0; i < 25; i++) {
      progress.counts('read', 'ok', 10);
      pass(100);
    }
    progress.counts('read', 'unknown', 1);
    progress.counts('read', 'unsent', 2);
    progress.close();
    progress.close();
    expect(stream.raw.split('\n')).toEqual([
      '   6.0 s  load       read 100 ok 0 failed',
      '   7.0 s  load       read 200 ok 0 failed',
      '   7.5 s  load       read 250 ok 0 failed 1 unknown 2 not sent',
      '',
    ]);
  });

  test('no escape sequence is written, whatever servers say', () => {
    const { progress, stream } = open(false, { FORCE_COLOR: '1' });
    progress.event({ at: 1, type: 'run-failed', error: HOSTILE });
    expect(stream.raw).toContain('␛[31mred␀nul<U+202E>ltr');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(stream.raw).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(stream.raw.split('\n')).toHaveLength(2);
  });

  test.each([
    ['CI', { CI: 'true' }],
    ['a dumb terminal', { TERM: 'dumb' }],
  ])('%s counts as no terminal', (_, env) => {
    const { progress, pass, stream } = open(true, env as Record<string, string>);
    progress.event({ at: 0, type: 'phase-started', phase: 'provision' });
    pass(3_000);
    expect(stream.raw).toBe('   0.0 s  provision  starting 5 servers\n');
  });
});

describe('on a terminal', () => {
  test('events scroll above the phase, its countdown and the live counts', () => {
    const stage = open(true, { NO_COLOR: '1' });
    const struck = passedReport.timeline.findIndex((event) => event.type === 'heal-asked');
    play(stage, passedReport.timeline.slice(0, struck));
    stage.pass(1_000);
    expect(screen(stage.stream.raw)).toMatchInlineSnapshot(`
      [
        "   0.0 s  platform   local, engine native",
        "                     it needs nothing but Node.js",
        "   0.0 s  provision  starting 5 servers",
        "   0.9 s  form       4 shards on 2 workers each",
        "   2.0 s  form       cluster of 5 servers ready, engine native",
        "   2.0 s  predict    with worker1 down: all shards readable and writable",
        "   2.0 s  steady     load without faults",
        "   4.0 s  fault      node-stop worker1 requested",
        "   4.1 s  fault      node-stop worker1 in effect after 96 ms",
        "                     postmaster 4711 and its 9 other processes are gone (exit",
        "                     code 0), SQL refused (ECONNREFUSED)",
        "   5.1 s  ███░░░░░░░░░░░░░░░░░░░░░  fault, 6.9 s to go",
        "          read      450 ok       0 failed      0/s",
        "          write      90 ok       0 failed      0/s",
        "",
      ]
    `);
  });

  test('in the end the events and the last counts stay', () => {
    const stage = open(true, { NO_COLOR: '1' });
    play(stage, passedReport.timeline);
    stage.progress.close();
    const shown = screen(stage.stream.raw);
    expect(shown.slice(-6)).toMatchInlineSnapshot(`
      [
        "  15.1 s  reads      reading all rows via the coordinator and each placement",
        "  15.3 s  dispose    stopping and removing the servers",
        "          read     2670 ok       0 failed",
        "          write     524 ok      10 failed",
        "",
        "",
      ]
    `);
    expect(shown.join('\n')).not.toMatch(/█|to go/);
    expect(stage.ticking).toBe(0);
  });

  test('draws ten times a second, and only what changed', () => {
    const { progress, pass, stream } = open(true, { NO_COLOR: '1' });
    progress.event({ at: 0, type: 'phase-started', phase: 'steady-state' });
    progress.counts('read', 'ok', 1);
    pass(150);
    stream.raw = '';
    for (let i = 0; i < 1_000; i++) progress.counts('read', 'ok', 1);
    expect(stream.raw).toBe('');
    pass(1_000);
    const frames = stream.raw.split('\u001b[?2026h').length - 1;
    expect(frames).toBe(10);
    expect(stream.raw.length).toBeLessThan(2_500);
  });

  test('the rate is that of the last second', () => {
    const { progress, pass, stream } = open(true, { NO_COLOR: '1' });
    progress.event({ at: 0, type: 'phase-started', phase: 'steady-state' });
    for (let i = 0; i < 30; i++) {
      progress.counts('read', 'ok', 20);
      pass(100);
    }
    expect(screen(stream.raw).join('\n')).toMatch(/600 ok +0 failed +200\/s/);
    pass(1_100);
    expect(screen(stream.raw).join('\n')).toMatch(/600 ok +0 failed +0\/s/);
  });

  test('never touches the cursor, so that no end of the process leaves it hidden', () => {
    const stage = open(true);
    play(stage, passedReport.timeline);
    stage.progress.close();
    expect(stage.stream.raw).not.toContain('\u001b[?25');
  });

  test('a note stays above the live lines', () => {
    const { progress, pass, stream } = open(true, { NO_COLOR: '1' });
    progress.event({ at: 0, type: 'phase-started', phase: 'steady-state' });
    pass(500);
    progress.note('SIGINT: healing, releasing the cluster, writing the report');
    pass(500);
    expect(screen(stream.raw)).toEqual([
      '   0.0 s  steady     load without faults',
      '   0.5 s  note       SIGINT: healing, releasing the cluster, writing the report',
      '   1.0 s  ████████████░░░░░░░░░░░░  steady state, 1.0 s to go',
      '',
    ]);
  });

  test('colours, but not with NO_COLOR', () => {
    const coloured = (env: Record<string, string>) => {
      const stage = open(true, env);
      play(stage, failedReport.timeline);
      stage.progress.close();
      // Colours are the sequences that end in m.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for
      return /\u001b\[\d+m/.test(stage.stream.raw);
    };
    expect(coloured({})).toBe(true);
    expect(coloured({ NO_COLOR: '1' })).toBe(false);
  });

  test.each([40, 60, 120])('no line is wider than a terminal of %i columns', (columns) => {
    const stage = open(true, {});
    stage.stream.columns = columns;
    play(stage, failedReport.timeline);
    stage.progress.event({ at: 17_000, type: 'run-failed', error: HOSTILE });
    const plain = stripVTControlCharacters(stage.stream.raw);
    expect(plain.split('\n').filter((line) => [...line].length > columns)).toEqual([]);
  });

  test('a terminal that stalls gets the events when it continues, and no counters of the past', () => {
    const { progress, pass, stream } = open(true);
    stream.stalls = true;
    pass(1_000);
    const waiting = stream.writableLength;
    pass(60_000);
    expect(stream.writableLength).toBe(waiting);
    progress.event({ at: 61_000, type: 'phase-started', phase: 'form' });
    expect(stream.writableLength).toBeGreaterThan(waiting);
  });

  test('nothing is drawn after it was closed', () => {
    const { progress, pass, stream } = open(true);
    progress.close();
    stream.raw = '';
    progress.event({ at: 1, type: 'phase-started', phase: 'form' });
    pass(1_000);
    expect(stream.raw).toBe('');
    progress.note('still healing');
    expect(stream.raw).toBe('still healing\n');
  });
});
