/**
 * What a long run costs: histories of 1, 2 and 4 hours at 2,000 operations and 400 probes a second, made at full speed,
 * then judged and rendered. Memory while the history is written, which is to be flat after the first minute; memory and time
 * of the judging for each hour; the size of the page. `node bench/day.ts [hours...]`; 24 hours need some 40 GB of disk.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pgquake } from '../src/pgquake.ts';
import { readRun } from '../src/store.ts';
import { closing, median } from './figures.ts';
import { RATE, writeFlickeringRun } from './flickering-run.ts';
import { peakMb } from './machine.ts';

const GOALS = { growth: 1.1, pageMb: 3 };
const HOURS = [1, 2, 4];
const SECONDS_PER_HOUR = 3_600;
const LIMIT_MS = 3_600_000;

interface Written {
  readonly folder: string;
  /** What is still in use after a collection: once the first minute is written, and at the end. */
  readonly minuteMb: number;
  readonly endMb: number;
}

interface Judged {
  readonly seconds: number;
  readonly residentMb: number;
}

/** In a process of its own, so that its memory is its own. */
function alone<T>(...args: readonly string[]): T {
  const node = ['--expose-gc', import.meta.filename, ...args];
  const child = spawnSync(process.execPath, node, { encoding: 'utf8', timeout: LIMIT_MS });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout) as T;
}

/** Of this process, in MB. Made at full speed, a history leaves much that is collected late. */
function inUseMb(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1_048_576;
}

function main(hours: readonly number[]): void {
  const reports = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
  try {
    const all = hours.map((hour) => {
      const written = alone<Written>('write', reports, String(hour * SECONDS_PER_HOUR * RATE));
      // The first finds the system still writing the file.
      const rounds = Array.from({ length: 3 }, () => alone<Judged>('judge', written.folder));
      const judged: Judged = {
        seconds: median(rounds.map(({ seconds }) => seconds)),
        residentMb: median(rounds.map(({ residentMb }) => residentMb)),
      };
      const readMb = alone<number>('read', written.folder);
      const pageMb = statSync(join(written.folder, 'report.html')).size / 1_000_000;
      rmSync(written.folder, { recursive: true });
      console.log(
        `${hour} h: ${written.endMb.toFixed(1)} MB in use when it was written (${written.minuteMb.toFixed(1)} MB after the ` +
          `first minute), judged and rendered in ${judged.seconds.toFixed(1)} s with ` +
          `${judged.residentMb.toFixed(0)} MB (reading alone: ${readMb.toFixed(0)} MB), page ${pageMb.toFixed(2)} MB`,
      );
      return { hour, written, judged, readMb, pageMb };
    });
    const longest = all.at(-1);
    const first = all[0];
    if (longest === undefined || first === undefined) throw new Error('no hours were asked for');
    closing([
      {
        what: `${longest.hour} h / 1 minute: memory while it is written`,
        figure: longest.written.endMb / longest.written.minuteMb,
        goal: GOALS.growth,
      },
      {
        what: `${longest.hour} h / ${first.hour} h: memory of judging`,
        figure: longest.judged.residentMb / first.judged.residentMb,
        goal: GOALS.growth,
        limit: { what: 'reading alone, 54 bytes an operation', figure: longest.readMb / first.readMb },
      },
      {
        what: `${longest.hour} h / ${first.hour} h: time of judging, for each hour`,
        figure: longest.judged.seconds / longest.hour / (first.judged.seconds / first.hour),
        goal: GOALS.growth,
      },
      { what: `${longest.hour} h: report.html, MB`, figure: longest.pageMb, goal: GOALS.pageMb },
    ]);
  } finally {
    rmSync(reports, { recursive: true });
  }
}

const [, , first, path = '', count] = process.argv;
if (first === 'write') {
  const operations = Number(count);
  let minuteMb = 0;
  let endMb = 0;
  const folder = await writeFlickeringRun(path, operations, (written) => {
    if (written === 60 * RATE) minuteMb = inUseMb();
    if (written === operations) endMb = inUseMb();
  });
  console.log(JSON.stringify({ folder, minuteMb, endMb } satisfies Written));
} else if (first === 'judge') {
  const began = performance.now();
  await pgquake().judge(path);
  const seconds = (performance.now() - began) / 1_000;
  console.log(JSON.stringify({ seconds, residentMb: peakMb() } satisfies Judged));
} else if (first === 'read') {
  await readRun(path);
  console.log(peakMb());
} else {
  const asked = process.argv.slice(2).map(Number);
  main(asked.length > 0 ? asked : HOURS);
}
