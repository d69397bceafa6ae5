/**
 * How long a stored run takes to be judged and rendered into all its files, and how much memory: 10 minutes at 2,000
 * operations a second, of which some hundred thousand failed; against JSON.parse of the same operations as lines of JSON.
 * And how large the page is, and how soon it opens in a browser, where there is one. `node bench/rendering.ts`
 */

import { spawnSync } from 'node:child_process';
import { appendFileSync, createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { OPERATIONS_FILE, PROBES_FILE, readOperations } from '../src/operations-file.ts';
import { pgquake } from '../src/pgquake.ts';
import { readRun } from '../src/store.ts';
import { browserMissing, startBrowser } from '../test/support/browser.ts';
import { closing, type Figure, median, over } from './figures.ts';
import { writeFlickeringRun } from './flickering-run.ts';
import { peakMb } from './machine.ts';

const GOALS = { ratio: 1, residentMb: 400, pageMb: 3, openS: 1 };
const COUNT = 1_200_000;
const ROUNDS = 3;

interface Rendered {
  readonly seconds: number;
  readonly residentMb: number;
}

async function render(folder: string): Promise<Rendered> {
  const began = performance.now();
  await pgquake().judge(folder);
  return { seconds: (performance.now() - began) / 1_000, residentMb: peakMb() };
}

/** What each judge in this language does first: no more than to read the operations. */
async function read(folder: string): Promise<Rendered> {
  const began = performance.now();
  await readRun(folder);
  return { seconds: (performance.now() - began) / 1_000, residentMb: peakMb() };
}

/** The peer: every operation of the run as a line of JSON. */
function writeLines(folder: string): string {
  const path = join(folder, 'operations.ndjson');
  for (const file of [OPERATIONS_FILE, PROBES_FILE]) {
    let lines: string[] = [];
    for (const operation of readOperations(join(folder, file))) {
      lines.push(`${JSON.stringify(operation)}\n`);
      if (lines.length < 50_000) continue;
      appendFileSync(path, lines.join(''));
      lines = [];
    }
    appendFileSync(path, lines.join(''));
  }
  return path;
}

/** Seconds, with no more kept than a count. */
async function parseLines(path: string): Promise<number> {
  const began = performance.now();
  let failed = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if ((JSON.parse(line) as { outcome: string }).outcome === 'fail') failed++;
  }
  if (failed === 0) throw new Error('no failed operation was read');
  return (performance.now() - began) / 1_000;
}

/** In a process of its own, so that its memory is its own. */
function alone<T>(...args: string[]): T {
  const child = spawnSync(process.execPath, [import.meta.filename, ...args], { encoding: 'utf8', timeout: 120_000 });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout) as T;
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
  const reports = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
  try {
    const folder = await writeFlickeringRun(reports, COUNT);
    const lines = writeLines(folder);
    const rounds = Array.from({ length: ROUNDS }, () => {
      const rendered = alone<Rendered>('render', folder);
      const onlyRead = alone<Rendered>('read', folder);
      const parsedS = alone<number>('parse', lines);
      console.log(
        `judged and rendered in ${rendered.seconds.toFixed(2)} s, only read in ${onlyRead.seconds.toFixed(2)} s with ` +
          `${onlyRead.residentMb.toFixed(0)} MB, parsed in ${parsedS.toFixed(2)} s`,
      );
      return { ...rendered, onlyRead, parsedS, ratio: rendered.seconds / parsedS };
    });
    const page = join(folder, 'report.html');
    const missing = browserMissing();
    const opened: Figure[] =
      missing === undefined
        ? [{ what: 'page opens and responds, seconds', figure: await openingS(page), goal: GOALS.openS }]
        : [];
    if (missing !== undefined) console.log(`not opened: ${missing}`);
    closing([
      {
        what: '1.2 million operations judged and rendered / parsed as JSON',
        ...over(rounds.map(({ ratio }) => ratio)),
        goal: GOALS.ratio,
        limit: {
          what: 'reading alone',
          figure: median(rounds.map(({ onlyRead, parsedS }) => onlyRead.seconds / parsedS)),
        },
      },
      {
        what: 'MB resident',
        ...over(rounds.map(({ residentMb }) => residentMb)),
        goal: GOALS.residentMb,
        limit: { what: 'reading alone', figure: median(rounds.map(({ onlyRead }) => onlyRead.residentMb)) },
      },
      { what: 'report.html, MB', figure: statSync(page).size / 1_000_000, goal: GOALS.pageMb },
      ...opened,
    ]);
  } finally {
    rmSync(reports, { recursive: true });
  }
}

const [, , first, path = ''] = process.argv;
if (first === 'render') console.log(JSON.stringify(await render(path)));
else if (first === 'read') console.log(JSON.stringify(await read(path)));
else if (first === 'parse') console.log(JSON.stringify(await parseLines(path)));
else await main();
