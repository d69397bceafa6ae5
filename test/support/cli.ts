/** Runs pgquake as its users do, as a process of its own, and looks for what it left behind. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Report } from '../../src/model/report.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'bin/pgquake.cjs');
/** Compiled code, kept from start to start: each compiles its modules in each of its threads. */
export const COMPILED = join(tmpdir(), 'node-compile-cache');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer R] ? R : never;

/** A folder of its own for one test: where the cluster, the scenarios and the reports go. */
export class Workplace implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'pgquake-e2e-'));
  /** Where embedded clusters are made. */
  readonly temporary = join(this.folder, 'tmp');
  readonly reports = join(this.folder, 'reports');

  readonly #platform: string;
  #main = MAIN;

  /** @param platform on which `run` and the like run scenarios. */
  constructor(platform: 'local' | 'docker' = 'local') {
    this.#platform = platform;
    // The servers' account has to get through.
    chmodSync(this.folder, 0o755);
    mkdirSync(this.temporary);
  }

  /**
   * A folder in which nothing but the package is installed from its tarball, as npm would publish it: that one runs.
   * PGQUAKE_TEST_INSTALLED names a folder `node_modules` of it; without one it is installed here.
   */
  static installed(): Workplace {
    const place = new Workplace();
    const { PGQUAKE_TEST_INSTALLED: installed, PGQUAKE_TEST_TARBALL: packed } = process.env;
    if (installed) {
      // A hard link for each file takes a tenth of the time, where the file system is the same.
      const copy = 'cp -al "$0" "$1" 2>/dev/null || { rm -rf "$1" && cp -a "$0" "$1"; }';
      execFileSync('sh', ['-c', copy, installed, join(place.folder, 'node_modules')]);
    } else {
      const tarball =
        packed || execFileSync(join(ROOT, '.ci/fresh-tarball'), [place.temporary], { encoding: 'utf8' }).trim();
      execFileSync(join(ROOT, '.ci/install'), [tarball, place.folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    }
    place.#main = join(place.folder, 'node_modules/pgquake/bin/pgquake.cjs');
    return place;
  }

  /** A place where pgquake runs from a copy of the checkout's build, which `uninstall` removes. */
  static copied(): Workplace {
    const place = new Workplace();
    const copy = join(place.folder, 'copy');
    for (const name of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    place.#main = join(copy, 'bin/pgquake.cjs');
    return place;
  }

  /** Removes the copy of pgquake, also while it runs. */
  uninstall(): void {
    rmSync(join(this.folder, 'copy'), { recursive: true });
  }

  /** Writes a scenario file. @returns its path. */
  scenario(name: string, text: string): string {
    const file = join(this.folder, `${name}.yaml`);
    writeFileSync(file, text);
    return file;
  }

  /** Starts pgquake. */
  start(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    stdio: readonly (number | 'ignore' | 'pipe')[] = ['ignore', 'pipe', 'pipe'],
  ): ChildProcess & { readonly ended: Promise<Ended> } {
    const child = spawn(process.execPath, [this.#main, ...args], {
      cwd: this.folder,
      env: { ...process.env, CI: '1', NO_COLOR: '1', NODE_COMPILE_CACHE: COMPILED, TMPDIR: this.temporary, ...env },
      stdio: [...stdio],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, stdout, stderr })));
    return Object.assign(child, { ended });
  }

  /** Starts a scenario on this place's platform, with its reports in this place. */
  startRun(args: readonly string[], ...rest: Tail<Parameters<Workplace['start']>>): ReturnType<Workplace['start']> {
    return this.start([...args, '--platform', this.#platform, '--reports', this.reports], ...rest);
  }

  /** As `startRun`, to its end. */
  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.startRun(args, env).ended;
  }

  /** As `run`, and again where the machine was too busy to judge it: such a run says so. At most three times. */
  async runJudged(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const ended = await this.run([...args, '--retries', '2'], env);
    return { ...ended, stdout: ended.stdout.slice(ended.stdout.lastIndexOf('retry  ') + 1) };
  }

  /** The folder of the newest run, also while it runs. */
  runFolder(): string {
    const runs = readdirSync(this.reports).filter((entry) => /^\d{4}-/.test(entry));
    return join(this.reports, runs.sort().at(-1) as string);
  }

  /** The report of the newest run. */
  report(): Report {
    return JSON.parse(readFileSync(join(this.reports, 'latest', 'report.json'), 'utf8')) as Report;
  }

  /** What is still there of the clusters that were made here: processes and folders. */
  leftovers(): string[] {
    const processes = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
          return command.includes(this.temporary) ? [`process ${pid}: ${command}`] : [];
        } catch {
          return []; // ended meanwhile
        }
      });
    return [...processes, ...readdirSync(this.temporary).map((name) => `folder ${name}`)];
  }

  /** The process ids of the embedded servers' first processes. */
  postmasters(): number[] {
    const servers = this.leftovers().flatMap((one) => {
      const pid = /^process (\d+): \S*postgres -D /.exec(one)?.[1];
      return pid === undefined ? [] : [Number(pid)];
    });
    // A process that was just forked has its parent's command line for a moment.
    return servers.filter((pid) => !servers.includes(parentOf(pid)));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function parentOf(pid: number): number {
  try {
    const [, parent] = /\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return Number(parent);
  } catch {
    return 0; // ended meanwhile
  }
}
