/** A machine behind the user's own `ssh`: his keys, his known hosts, his configuration. It is never asked for a password. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cachePath, homeFolder } from '../../home-folder.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { shellWord } from '../shell-word.ts';

const LIMIT_MS = 30_000;
/** The client's own word for a connection that could not be made or broke. */
const NO_CONNECTION = 255;
/** A socket's path has 107 characters at most; the client adds 57 to the folder's. */
const LONGEST_FOLDER = 50;
/** Programs of root's are not on everybody's path. */
const PATH_LINE = 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH';

const OPTIONS = [
  'BatchMode=yes',
  'ConnectTimeout=10',
  // A connection that broke is noticed within 15 s.
  'ServerAliveInterval=5',
  'ServerAliveCountMax=2',
  'ClearAllForwardings=yes',
  'RemoteCommand=none',
];

export interface MachineOptions {
  /** As the `ssh` command takes it: `ops@10.0.0.5`, `db-a`, `ssh://ops@10.0.0.5:2222`. */
  readonly to: string;
  /** The file of the client's configuration in place of the user's own. */
  readonly config?: string | undefined;
}

export interface ScriptResult {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

export class Machine {
  readonly to: string;
  readonly #config: string | undefined;

  constructor({ to, config }: MachineOptions) {
    this.to = to;
    this.#config = config;
  }

  /** What a person writes before a command that is to be run there: `ssh -F my.conf ops@db-a`. */
  get command(): string {
    return ['ssh', ...(this.#config === undefined ? [] : ['-F', shellWord(this.#config)]), this.to].join(' ');
  }

  /**
   * Runs a script of sh to its end. An exit code other than 0 is no error here.
   * @param what it does, in words, for the message of an error: `stop postgresql@17-main`.
   * @throws EnvironmentError where the machine cannot be reached, or the script takes more than 30 s.
   */
  async run(what: string, script: string): Promise<ScriptResult> {
    const options = [...OPTIONS, ...sharedConnection()].flatMap((option) => ['-o', option]);
    const config = this.#config === undefined ? [] : ['-F', this.#config];
    const result = await runSsh(['-T', ...options, ...config, '--', this.to, 'sh -s'], `${PATH_LINE}\n${script}\n`);
    if (result.exitCode !== NO_CONNECTION) return result;
    throw new EnvironmentError(`could not ${what} on ${this.to}: ${oneLine(result.errors) || 'ssh failed'}`, {
      code: 'ssh-failed',
      hint: `try it: "${this.command} -o BatchMode=yes true"; pgquake uses your own ssh client, and asks for no password`,
    });
  }

  /**
   * The same, of a script that must succeed.
   * @returns what it printed.
   * @throws EnvironmentError with what it said.
   */
  async mustRun(what: string, script: string): Promise<string> {
    const { exitCode, output, errors } = await this.run(what, script);
    if (exitCode === 0) return output;
    throw new EnvironmentError(
      `could not ${what} on ${this.to}: ${oneLine(`${errors} ${output}`) || `exit code ${exitCode}`}`,
      { code: 'ssh-command-failed', hint: `"${this.command}" leads to that machine` },
    );
  }
}

/** Commands share one connection, which the client closes 20 s after the last one: a login costs a tenth of a second. */
function sharedConnection(): string[] {
  let folder: string;
  try {
    folder = join(cachePath(process.env, process.getuid?.() === 0, homeFolder()), 'ssh');
    if (folder.length > LONGEST_FOLDER) return [];
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    return [];
  }
  return ['ControlMaster=auto', `ControlPath=${folder}/%C`, 'ControlPersist=20'];
}

async function runSsh(args: readonly string[], input: string): Promise<ScriptResult> {
  const { execa } = await import('execa');
  const result = await execa('ssh', args, {
    input,
    // In a group of its own, and not ended with this process: Ctrl-C must not end the script that undoes a fault.
    detached: true,
    cleanup: false,
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    reject: false,
  });
  if (result.code === 'ENOENT') {
    throw new EnvironmentError('there is no ssh client here', {
      code: 'ssh-missing',
      hint: 'install the package openssh-client of your system',
    });
  }
  const late = result.timedOut ? `no end within ${LIMIT_MS / 1_000} s` : '';
  return { exitCode: result.exitCode ?? NO_CONNECTION, output: result.stdout, errors: `${result.stderr}${late}` };
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
