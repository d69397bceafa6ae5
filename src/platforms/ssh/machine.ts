/** A machine reached by the user's `ssh` client, with the user's keys, known hosts and configuration, and no password. */

import { join } from 'node:path';
import { cachePath, homeFolder } from '../../home-folder.ts';
import { makeFolder } from '../../make-folder.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { shellWord } from '../shell-word.ts';

const LIMIT_MS = 30_000;
/** The exit code of the client when the connection could not be made, or broke. */
const NO_CONNECTION = 255;
/** A socket's path has at most 107 characters; the client adds 57 to the folder's. */
const LONGEST_FOLDER = 50;
/** An ordinary user's PATH may lack root's programs. */
const PATH_LINE = 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH';

const OPTIONS = [
  'BatchMode=yes',
  'ConnectTimeout=10',
  // Notices a broken connection within 15 s.
  'ServerAliveInterval=5',
  'ServerAliveCountMax=2',
  'ClearAllForwardings=yes',
  'RemoteCommand=none',
];

export interface MachineOptions {
  /** As for the `ssh` command: `ops@10.0.0.5`, `db-a`, `ssh://ops@10.0.0.5:2222`. */
  readonly to: string;
  /** The client's configuration file; the user's own by default. */
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

  /** What a person types before a command for that machine: `ssh -F my.conf ops@db-a`. */
  get command(): string {
    return ['ssh', ...(this.#config === undefined ? [] : ['-F', shellWord(this.#config)]), this.to].join(' ');
  }

  /**
   * Runs an sh script to its end, whatever its exit code.
   * @param what the script does, for error messages: `stop postgresql@17-main`.
   * @throws EnvironmentError when the machine cannot be reached or the script takes more than 30 s.
   */
  async run(what: string, script: string): Promise<ScriptResult> {
    const options = [...OPTIONS, ...(await sharedConnection())].flatMap((option) => ['-o', option]);
    const config = this.#config === undefined ? [] : ['-F', this.#config];
    const result = await runSsh(['-T', ...options, ...config, '--', this.to, 'sh -s'], `${PATH_LINE}\n${script}\n`);
    if (result.exitCode !== NO_CONNECTION) return result;
    throw new EnvironmentError(`could not ${what} on ${this.to}: ${oneLine(result.errors) || 'ssh failed'}`, {
      code: 'ssh-failed',
      hint: `try "${this.command} -o BatchMode=yes true"; pgquake uses your ssh client, which must need no password`,
    });
  }

  /**
   * Runs a script that must succeed.
   * @returns its standard output.
   * @throws EnvironmentError with its output and errors.
   */
  async mustRun(what: string, script: string): Promise<string> {
    const { exitCode, output, errors } = await this.run(what, script);
    if (exitCode === 0) return output;
    throw new EnvironmentError(
      `could not ${what} on ${this.to}: ${oneLine(`${errors} ${output}`) || `exit code ${exitCode}`}`,
      { code: 'ssh-command-failed', hint: `log in with "${this.command}" to look into it` },
    );
  }
}

/** Commands share one connection, closed 20 s after the last: a login takes 100 ms. */
async function sharedConnection(): Promise<string[]> {
  let folder: string;
  try {
    folder = join(cachePath(process.env, process.getuid?.() === 0, homeFolder()), 'ssh');
    if (folder.length > LONGEST_FOLDER) return [];
    makeFolder(folder, 0o700);
  } catch {
    return [];
  }
  return ['ControlMaster=auto', `ControlPath=${folder}/%C`, 'ControlPersist=20'];
}

async function runSsh(args: readonly string[], input: string): Promise<ScriptResult> {
  const { execa } = await import('execa');
  const result = await execa('ssh', args, {
    input,
    // Neither Ctrl-C nor the end of this process must stop a script that undoes a fault.
    detached: true,
    cleanup: false,
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    reject: false,
  });
  if (result.code === 'ENOENT') {
    throw new EnvironmentError('this machine has no ssh client', {
      code: 'ssh-missing',
      hint: "install your system's package openssh-client",
    });
  }
  const late = result.timedOut ? `still running after ${LIMIT_MS / 1_000} s` : '';
  return { exitCode: result.exitCode ?? NO_CONNECTION, output: result.stdout, errors: `${result.stderr}${late}` };
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
