/**
 * The guides to clusters that exist, followed from the first line to the last in an empty folder with the package alone: each
 * command ends as it should, and prints what its transcript says. `npm run guides` follows all of them, and with
 * PGQUAKE_GUIDES_WRITE=1 writes down what they print.
 */

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { dockerMissing } from '../support/docker.ts';
import { masked, type Step, sectionOf, shown, stepsOf, withOutput } from '../support/guide.ts';
import { STAGES, type Stage } from '../support/guide-stages.ts';

const missing = await dockerMissing('test/integration/guides.test.ts');

const PAGE = join(import.meta.dirname, '../../docs/attach.md');
const LIMIT_MS = 300_000;
const COMMAND_LIMIT_MS = 180_000;
/** Nobody can tell how service was on a machine that was too busy for it. */
const STARVED = /Could not judge: (?:host-kept-up|load-kept-its-schedule)/;
/** `all`, or part of a heading; by default the one that takes least. */
const WHICH = process.env.PGQUAKE_GUIDES ?? 'Use my own SQL';
const WRITES = process.env.PGQUAKE_GUIDES_WRITE === '1';
const chosen = Object.entries(STAGES).filter(([heading]) => WHICH === 'all' || heading.includes(WHICH));

describe.skipIf(missing !== undefined)('a guide', () => {
  test.each(chosen)(
    '"%s" is true',
    async (heading, stager) => {
      using place = Workplace.installed();
      await using stage = await stager(place.folder);
      const steps = stepsOf(sectionOf(readFileSync(PAGE, 'utf8'), heading));
      expect(steps.filter(({ type }) => type === 'command').length).toBeGreaterThan(0);
      const reader = new Reader(place, stage);
      for (const step of steps) {
        if (step.type !== 'command') await reader.prepare(step);
        else {
          const { code, output } = await reader.run(step.command);
          const context = `$ ${step.command}\n${output}`;
          const starved = STARVED.test(output);
          expect(code, context).toBe(starved ? 2 : 0);
          // The guide does not show it.
          if (step.output === '...') continue;
          if (WRITES) {
            expect(starved, `too busy a machine to write down: ${context}`).toBe(false);
            writeFileSync(PAGE, withOutput(readFileSync(PAGE, 'utf8'), heading, step, shown(output)));
          } else if (!starved) expect(lines(masked(output)), context).toEqual(lines(masked(step.output)));
        }
      }
    },
    LIMIT_MS,
  );
});

/** What two servers do at one time comes in this order or that. */
function lines(output: string): string[] {
  return output.split('\n').sort();
}

/** Does what a guide says, in a terminal of his own. */
class Reader {
  readonly #place: Workplace;
  readonly #stage: Stage;

  constructor(place: Workplace, stage: Stage) {
    this.#place = place;
    this.#stage = stage;
  }

  async prepare(step: Exclude<Step, { readonly type: 'command' }>): Promise<void> {
    if (step.type === 'file') writeFileSync(join(this.#place.folder, step.name), this.#asHere(step.text));
    else {
      const act = this.#stage[step.type];
      if (!act) throw new Error(`the guide has a fence "${step.type}" that its stage does not know`);
      await act(step.text);
    }
  }

  /** @returns what stood in the terminal, in the names of the guide. */
  async run(command: string): Promise<{ readonly code: number | null; readonly output: string }> {
    const { folder, temporary } = this.#place;
    const { env, beside } = this.#stage;
    const path = [join(folder, 'node_modules/.bin'), dirname(process.execPath), env.PATH ?? process.env.PATH].join(':');
    const child = spawn('bash', ['-c', `exec 2>&1; ${this.#asHere(command)}`], {
      cwd: folder,
      env: { ...process.env, CI: '1', NO_COLOR: '1', TMPDIR: temporary, ...env, PATH: path },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: COMMAND_LIMIT_MS,
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    const ended = new Promise<number | null>((done) => child.once('close', done));
    const [code] = await Promise.all([ended, beside?.(command)]);
    return { code, output: this.#asThere(output) };
  }

  #asHere(text: string): string {
    return Object.entries(this.#stage.names ?? {}).reduce((so, [there, here]) => so.replaceAll(there, here), text);
  }

  #asThere(text: string): string {
    return Object.entries(this.#stage.names ?? {}).reduce((so, [there, here]) => so.replaceAll(here, there), text);
  }
}
