/** Completion as people get it: in a real shell on a terminal, Tab completes a word, and Enter runs what stands there. */

import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../tools/docs/page.ts';

const SHELLS = {
  bash: { start: 'bash --norc --noprofile -i', install: 'source <(pgquake completion bash)' },
  zsh: { start: 'zsh -f -i', install: 'source <(pgquake completion zsh)' },
  fish: { start: 'fish --no-config -i', install: 'pgquake completion fish | source' },
} as const;
const LIMIT_MS = 25_000;

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** A shell on a terminal of its own, in which `pgquake` is this one; what it is called with, other than for completion, is kept. */
class Terminal implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'pgquake-shell-'));
  readonly #log = join(this.#folder, 'called');
  readonly #shell: ReturnType<typeof spawn>;
  #seen = '';

  constructor(start: string) {
    const program = join(this.#folder, 'pgquake');
    const real = `exec '${process.execPath}' '${join(ROOT, 'bin/pgquake.cjs')}' "$@"`;
    writeFileSync(program, `#!/bin/sh\n[ "$1" = completion ] && ${real}\nprintf '%s\\n' "$*" >> '${this.#log}'\n`);
    chmodSync(program, 0o755);
    const { PATH = '', INIT_CWD: _, ...rest } = process.env;
    const env = { ...rest, PATH: `${this.#folder}${delimiter}${PATH}`, HOME: this.#folder, TERM: 'xterm' };
    this.#shell = spawn('script', ['-qefc', start, '/dev/null'], {
      cwd: ROOT,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#shell.stdout?.setEncoding('utf8').on('data', (text) => {
      this.#seen += text;
    });
  }

  type(text: string): void {
    this.#shell.stdin?.write(text);
  }

  /** What stands on the terminal, since the last look. */
  async until(wanted: RegExp): Promise<void> {
    await this.#within(() => wanted.test(this.#seen), `the terminal to show ${wanted}`);
    this.#seen = '';
  }

  /** The calls so far. */
  async called(count: number): Promise<string[]> {
    const calls = () => (existsSync(this.#log) ? readFileSync(this.#log, 'utf8').trimEnd().split('\n') : []);
    await this.#within(() => calls().length >= count, `call ${count} of pgquake`);
    return calls();
  }

  async #within(holds: () => boolean, what: string): Promise<void> {
    for (const end = performance.now() + LIMIT_MS; !holds(); await sleep(50)) {
      if (performance.now() > end) throw new Error(`waited in vain for ${what}; the terminal shows: ${this.#seen}`);
    }
  }

  [Symbol.dispose](): void {
    this.#shell.kill('SIGKILL');
    // The shell, which sees its terminal gone, may still write its history here.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

describe.each(Object.entries(SHELLS))('in %s', (name, { start, install }) => {
  test.skipIf(!isInstalled(name) || !isInstalled('script'))(
    'Tab completes scenarios, those of suites, commands and options',
    async () => {
      using terminal = new Terminal(start);
      terminal.type(`${install}\n`);
      terminal.type('pgquake ready\n');
      await terminal.called(1);
      const cases = [
        ['plan one-worker-k', 'plan one-worker-kill'],
        ['patroni/dcs-member', 'patroni/dcs-member-lost'],
        ['valid', 'validate'],
        ['one-worker --retr', 'one-worker --retries'],
      ] as const;
      for (const [index, [typed, whole]] of cases.entries()) {
        terminal.type(`pgquake ${typed}\t`);
        await terminal.until(new RegExp(whole.slice(typed.length)));
        terminal.type('\n');
        expect((await terminal.called(index + 2)).at(-1)?.trimEnd()).toBe(whole);
      }
    },
    4 * LIMIT_MS,
  );
});
