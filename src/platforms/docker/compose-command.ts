/** Finds and runs Docker Compose: `docker compose` (v2), else `docker-compose` (v1). */

import { EnvironmentError } from '../../model/errors.ts';
import type { Endpoint } from './endpoint.ts';

const CANDIDATES = [['docker', 'compose'], ['docker-compose']] as const;
/** Version 1 starts Python, which is slow on a busy machine. */
const LOOK_LIMIT_MS = 15_000;
/** From interrupting Compose to killing it. */
const GRACE_MS = 5_000;
/** Characters of output to keep; the reason for a failure is at the end. */
const KEPT_OUTPUT = 4_000;

export type ComposeCommand = readonly [string, ...string[]];

interface Finished {
  readonly exitCode: number | undefined;
  readonly output: string;
}

/** By PATH: a look takes up to half a second, and a run looks twice. */
const found = new Map<string | undefined, ComposeCommand>();

/** @returns the command, or `undefined` if neither exists. */
export async function findCompose(): Promise<ComposeCommand | undefined> {
  const path = process.env.PATH;
  const command = found.get(path) ?? (await lookForCompose());
  if (command) found.set(path, command);
  return command;
}

async function lookForCompose(): Promise<ComposeCommand | undefined> {
  for (const command of CANDIDATES) {
    const signal = AbortSignal.timeout(LOOK_LIMIT_MS);
    const finished = await run([...command, 'version', '--short'], { env: composeEnvironment(), signal }).catch(
      () => undefined,
    );
    if (finished?.exitCode === 0) return [...command];
  }
  return undefined;
}

/** The error for a machine without Compose. */
export function composeMissing(): EnvironmentError {
  return new EnvironmentError('Docker Compose is not installed here', {
    code: 'compose-missing',
    hint: "install your system's package docker-compose-plugin (or docker-compose-v2, or docker-compose)",
  });
}

export interface ComposeRun {
  readonly project: string;
  /** Its path. */
  readonly file: string;
  /** For variables in the file. Not on the command line, which other users can read. */
  readonly environment: Readonly<Record<string, string>>;
  readonly endpoint: Endpoint;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/**
 * Runs Compose on one project until its process ends.
 * @param args `['up', '--detach']`
 * @throws EnvironmentError with the end of its output when it fails or exceeds the limit; the signal's reason when aborted.
 */
export async function runCompose(command: ComposeCommand, args: readonly string[], options: ComposeRun): Promise<void> {
  const { project, file, environment, endpoint, limitMs, signal } = options;
  const limit = AbortSignal.timeout(limitMs);
  const env = { ...composeEnvironment(), ...environment };
  // Both versions of Compose understand DOCKER_HOST; contexts with certificates they must find themselves.
  if (!endpoint.tls) {
    env.DOCKER_HOST = endpoint.host;
    delete env.DOCKER_CONTEXT;
  }
  const { exitCode, output } = await run([...command, '--project-name', project, '--file', file, ...args], {
    env,
    signal: AbortSignal.any([signal, limit]),
  });
  signal.throwIfAborted();
  if (exitCode === 0) return;
  const reason = limit.aborted ? `not done within ${limitMs / 1_000} s` : `exit code ${exitCode}`;
  throw new EnvironmentError(`${command.join(' ')} ${args.join(' ')} failed (${reason}): ${lastLines(output)}`, {
    code: 'compose-failed',
    hint: `the Compose file is ${file}`,
  });
}

/**
 * The environment for Compose, without COMPOSE_*, which could add files or name another project, and without proxies:
 * these are for the engine's pulls, not for the connection to the engine.
 */
export function composeEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const own = ([name]: [string, unknown]) => !/^COMPOSE_|^(?:https?|ftp|all)_proxy$/i.test(name);
  return Object.fromEntries(Object.entries(env).filter(own));
}

/** After an interrupt it has 5 s to end. @throws when it cannot be started. */
async function run(
  [program, ...args]: ComposeCommand,
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<Finished> {
  // Loaded on demand: most commands start no program.
  const { execa } = await import('execa');
  const result = await execa(program, args, {
    env,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    cancelSignal: signal,
    forceKillAfterDelay: GRACE_MS,
    reject: false,
  });
  if (result.code === 'ENOENT') throw result;
  return { exitCode: result.exitCode, output: result.all.slice(-KEPT_OUTPUT) };
}

function lastLines(output: string): string {
  return output.trim().split(/\r?\n/).slice(-6).join(' | ') || 'no output';
}
