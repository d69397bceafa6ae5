/**
 * How long a stored run takes to be judged and rendered into all its files, and how much memory: 10 minutes at 2,000
 * operations a second, of which some hundred thousand failed. And how large the page is, and how soon it opens in
 * a browser, where there is one. `node bench/rendering.ts`
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OperationKind } from '../src/model/history.ts';
import { OperationTable } from '../src/model/operations.ts';
import { OPERATIONS_FILE, OperationsWriter, PROBES_FILE } from '../src/operations-file.ts';
import { pgquake } from '../src/pgquake.ts';
import { browserMissing, startBrowser } from '../test/support/browser.ts';
import { buildHistory, PROBES } from '../test/support/history-builder.ts';
import { closing, type Figure } from './figures.ts';

const GOALS = { seconds: 5, residentMb: 500, pageMb: 3, openS: 1 };
const RATE = 2_000;
const COUNT = 1_200_000;
const BATCH = 100;
const KEYS = 100;
const PARTITIONS = 4;
const PROBES_PER_SECOND = 400;

const KINDS: readonly OperationKind[] = [
  { name: 'read', access: 'read', scope: 'partition', ratePerSecond: RATE * 0.75, deadlineMs: 1_000 },
  { name: 'write', access: 'write', scope: 'partition', ratePerSecond: RATE * 0.25, deadlineMs: 1_000 },
];

function writeRun(folder: string): void {
  const loadMs = (COUNT / RATE) * 1_000;
  const phases = { steadyMs: loadMs * 0.25, faultMs: loadMs * 0.5, settleMs: loadMs * 0.25 - 310 };
  const { run, events } = buildHistory({
    ...phases,
    partitionKeys: KEYS,
    partitions: PARTITIONS,
    kinds: KINDS.map((kind) => ({ ...kind, ratePerSecond: 1 })),
  });
  const cluster = { platform: 'auto', engine: 'auto', workers: 4, replication: 2, partitions: PARTITIONS };
  const scenario = { name: run.scenario, cluster, hypothesis: [] };
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...run, kinds: KINDS }));
  writeFileSync(join(folder, 'plan.json'), JSON.stringify({ scenario, seed: run.seed, acts: [], placement: [] }));
  writeFileSync(join(folder, 'events.ndjson'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));

  const names = (kinds: readonly OperationKind[]) => kinds.map(({ name }) => name);
  write(join(folder, OPERATIONS_FILE), names(KINDS), COUNT, RATE, (i) => i % 4 === 3);
  const probes = (COUNT / RATE) * PROBES_PER_SECOND;
  write(join(folder, PROBES_FILE), names(PROBES), probes, PROBES_PER_SECOND, (i) => i % 2 === 1);
}

/** A flickering run: one in four fails during every other second of the fault, each with a text of its own. */
function write(
  path: string,
  kinds: readonly string[],
  count: number,
  rate: number,
  isWrite: (i: number) => boolean,
): void {
  using writer = new OperationsWriter(
    path,
    kinds.map((name) => ({ name })),
  );
  let seq = 0;
  for (let from = 0; from < count; from += BATCH) {
    const batch = new OperationTable(kinds, BATCH);
    for (let i = from; i < from + BATCH; i++) {
      const intendedAt = 1_000 + (i * 1_000) / rate;
      const second = Math.floor(intendedAt / 1_000);
      const failed = i > count / 4 && i < (count * 3) / 4 && second % 2 === 0 && i % 4 === second % 4;
      const partitionKey = (i % KEYS) + 1;
      const port = 40_000 + (i % 20_000);
      batch.add({
        id: i + 1,
        kind: kinds[isWrite(i) ? 1 : 0] as string,
        partitionKey,
        partition: (partitionKey - 1) % PARTITIONS,
        intendedAt,
        sentAt: intendedAt + 0.05,
        settledAt: intendedAt + 0.4 + ((i * 7_919) % 1_000) / 500,
        outcome: failed ? 'fail' : 'ok',
        ...(isWrite(i) ? { key: `1:${++seq}` } : { rows: 5, verified: 5 }),
        ...(failed ? { errorCode: '08006', errorText: `connection from port ${port} lost: <b>terminated</b>` } : {}),
      });
    }
    writer.write(batch);
  }
}

interface Rendered {
  readonly seconds: number;
  readonly residentMb: number;
}

async function render(folder: string): Promise<Rendered> {
  const began = performance.now();
  await pgquake().judge(folder);
  return { seconds: (performance.now() - began) / 1_000, residentMb: process.resourceUsage().maxRSS / 1_024 };
}

async function openingS(page: string): Promise<number> {
  const browser = await startBrowser();
  try {
    const tab = await browser.newPage({ viewport: { width: 1_000, height: 900 } });
    const began = performance.now();
    await tab.goto(pathToFileURL(page).href);
    // It responds: the slider moves and says where it is.
    await tab.locator('#moment').focus();
    await tab.keyboard.press('End');
    await tab.locator('#moment-title').innerText();
    return (performance.now() - began) / 1_000;
  } finally {
    await browser.close();
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
  try {
    writeRun(folder);
    // In a process of its own, so that its memory is its own.
    const child = spawnSync(process.execPath, [import.meta.filename, folder], { encoding: 'utf8', timeout: 120_000 });
    if (child.status !== 0) throw new Error(child.stderr);
    const { seconds, residentMb } = JSON.parse(child.stdout) as Rendered;
    const page = join(folder, 'report.html');
    const missing = browserMissing();
    const opened: Figure[] =
      missing === undefined
        ? [{ what: 'page opens and responds, seconds', figure: await openingS(page), goal: GOALS.openS }]
        : [];
    if (missing !== undefined) console.log(`not opened: ${missing}`);
    closing([
      { what: '1.2 million operations judged and rendered, seconds', figure: seconds, goal: GOALS.seconds },
      { what: 'MB resident', figure: residentMb, goal: GOALS.residentMb },
      { what: 'report.html, MB', figure: statSync(page).size / 1_000_000, goal: GOALS.pageMb },
      ...opened,
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [, , folder] = process.argv;
if (folder === undefined) await main();
else console.log(JSON.stringify(await render(folder)));
