/** Loads and validates `pgquake.config.ts`, which has a team's own variants and defaults. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { errorText, fileProblem, InputError } from './model/errors.ts';
import { suggestion } from './model/nearest.ts';
import { codeFolder } from './model/package-files.ts';
import { MAX_SEED } from './model/plan.ts';
import { quoted } from './model/quoted.ts';
import { VARIANT_KINDS } from './own-variants.ts';
import { pgquake } from './pgquake.ts';
import type { Config, Quake } from './quake.ts';
import { refuseUnlessRegular } from './regular-file.ts';
import { shown } from './scenario/find.ts';

const LOAD_LIMIT_MS = 10_000;
const SYNTAX_CHECK_LIMIT_MS = 5_000;

/** What a config file exports by default. */
export function defineConfig(config: Config): Config {
  return config;
}

/**
 * Loads pgquake with the variants and defaults of a config file. A relative `reports` starts at the file's folder.
 * @throws InputError with file and line where the file cannot be loaded, exports something else, or has unusable
 * values.
 */
export async function loadConfig(file: string): Promise<Quake> {
  const path = resolve(file);
  try {
    refuseUnlessRegular(path);
  } catch (error) {
    throw unusable(path, undefined, fileProblem(error), error);
  }
  const config = exported(await importFile(path), path);
  try {
    return pgquake({
      ...config,
      ...(config.reports === undefined ? {} : { reports: resolve(dirname(path), config.reports) }),
    });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw unusable(path, lineOfMistake(path, error.message), error.message, error, error.hint);
  }
}

/** The line that has the first word quoted in the message, such as a platform's name; else the line of the export. */
function lineOfMistake(path: string, message: string): number | undefined {
  const word = /"([^"]+)"/.exec(message)?.[1];
  const quotedThere = word === undefined ? undefined : lineOf(path, new RegExp(`['"]${literal(word)}['"]`));
  return quotedThere ?? lineOf(path, /^\s*(export\s+default|module\.exports\s*=)/);
}

async function importFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await atItsOwnRisk(() => import(pathToFileURL(path).href));
  } catch (error) {
    const { file, line } = placeOfError(error, path);
    const where = file === path ? '' : `${shown(file)}${line === undefined ? '' : `:${line}`}: `;
    throw unusable(path, file === path ? line : undefined, `it cannot be loaded: ${where}${errorText(error)}`, error);
  }
}

/** Runs foreign code: limits its time, keeps it from ending the process, and catches its late errors. */
async function atItsOwnRisk<T>(load: () => Promise<T>): Promise<T> {
  const { exit } = process;
  const mayCatch = !process.hasUncaughtExceptionCaptureCallback();
  let timer: NodeJS.Timeout | undefined;
  const gone = new Promise<never>((_, reject) => {
    const late = new LateError(`it did not finish loading within ${LOAD_LIMIT_MS / 1_000} s`);
    timer = setTimeout(() => reject(late), LOAD_LIMIT_MS);
    if (mayCatch) process.setUncaughtExceptionCaptureCallback(reject);
    replaceExit(() => {
      throw new Error('it would end the process');
    });
  });
  try {
    return await Promise.race([load(), gone]);
  } finally {
    clearTimeout(timer);
    if (mayCatch) process.setUncaughtExceptionCaptureCallback(null);
    replaceExit(exit);
  }
}

function replaceExit(exit: NodeJS.Process['exit']): void {
  Object.assign(process, { exit });
  // For `import { exit } from 'node:process'`.
  syncBuiltinESMExports();
}

class LateError extends Error {}

/** Where an error comes from: the config file if it is in the stack, else the first other foreign file. */
function placeOfError(error: unknown, path: string): { readonly file: string; readonly line?: number | undefined } {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const places = [...stack.matchAll(/(?<=^|[\s(])(file:\/\/)?(\/[^\s():]+|[A-Za-z]:[\\/][^\s():]+):(\d+)/g)]
    .map(([, scheme, file, line]) => ({
      file: scheme === undefined ? (file as string) : fileURLToPath(`file://${file}`),
      line: Number(line),
    }))
    .filter(({ file }) => !file.includes('node_modules') && !file.startsWith(codeFolder()));
  const own = places.find(({ file }) => file === path) ?? places[0];
  if (own) return own;
  const named = /Cannot find (?:package|module) '([^']+)'/.exec(errorText(error))?.[1];
  if (named !== undefined) {
    const end = named.split(/[\\/]/).at(-1) as string;
    return { file: path, line: lineOf(path, new RegExp(`['"][^'"]*${literal(end)}['"]`)) };
  }
  return { file: path, line: lineWithoutStack(error, path) };
}

/** The line of an error that has no stack. */
function lineWithoutStack(error: unknown, path: string): number | undefined {
  if (error instanceof SyntaxError) return lineOfSyntaxError(path);
  if (error instanceof LateError) return lineOf(path, /^(?!\s).*\bawait\b/);
  return error instanceof Error ? undefined : lineOf(path, /\bthrow\b/);
}

/** A SyntaxError thrown by `import()` has no line; `node --check` prints it. */
function lineOfSyntaxError(path: string): number | undefined {
  const { stderr } = spawnSync(process.execPath, ['--check', path], {
    encoding: 'utf8',
    timeout: SYNTAX_CHECK_LIMIT_MS,
  });
  const line = /:(\d+)\r?\n/.exec(stderr ?? '')?.[1];
  return line === undefined ? undefined : Number(line);
}

function lineOf(path: string, pattern: RegExp): number | undefined {
  const index = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((line) => pattern.test(line));
  return index === -1 ? undefined : index + 1;
}

function literal(text: string): string {
  return text.replace(/\W/g, '\\$&');
}

const EXAMPLE = 'export default defineConfig({ faults: [mine] })';

const SEED = `expected a whole number from 0 to ${MAX_SEED}`;

const schema = z.strictObject({
  ...Object.fromEntries(VARIANT_KINDS.map((kind) => [kind, z.array(z.unknown(), 'expected a list').optional()])),
  reports: z.string('expected a folder').min(1, 'expected a folder').optional(),
  platform: z.string('expected the name of a platform').optional(),
  engine: z.string('expected the name of an engine').optional(),
  seed: z.int(SEED).min(0, SEED).max(MAX_SEED, SEED).optional(),
});

function exported(module: Readonly<Record<string, unknown>>, path: string): Config {
  const line = lineOf(path, /^\s*(export\s+default|module\.exports\s*=)/);
  const { default: config, ...others } = module;
  if (config === undefined || (line === undefined && isEmptyCommonJs(module))) {
    const found =
      Object.keys(others)
        .filter((name) => name !== COMMON_JS)
        .join(', ') || 'nothing';
    throw unusable(path, 1, `expected a default export, such as ${EXAMPLE}; found exports: ${found}`);
  }
  if (!isPlain(config)) {
    throw unusable(path, line, `expected an object, such as ${EXAMPLE}; found ${kindOf(config)}`);
  }
  const { error } = looked(config, path);
  if (!error) return config as Config;
  const problems = error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `unknown key ${quoted(key)}; ${suggestion(key, Object.keys(schema.shape))}`);
    }
    const found = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], config);
    return [`${issue.path.join('.')}: ${issue.message}, found ${kindOf(found)}`];
  });
  const [key] = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys : issue.path.slice(0, 1),
  );
  const keyLine = lineOf(path, new RegExp(`^\\s*['"]?${literal(String(key))}['"]?\\s*[:,(]`));
  throw unusable(path, keyLine ?? line, problems.join('; '));
}

/** The name under which Node lists the exports of a CommonJS module. */
const COMMON_JS = 'module.exports';

function isEmptyCommonJs(module: Readonly<Record<string, unknown>>): boolean {
  return COMMON_JS in module && Object.keys(module.default as object).length === 0;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return [Object.prototype, null].includes(Object.getPrototypeOf(value));
}

/** The config may have getters of its author, which may throw. */
function looked(config: object, path: string) {
  try {
    return schema.safeParse(config);
  } catch (error) {
    const { file, line } = placeOfError(error, path);
    throw unusable(path, file === path ? line : undefined, `it cannot be read: ${errorText(error)}`, error);
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Promise) return 'a promise, which "await" resolves';
  if (typeof value === 'object' || typeof value === 'function') return `a value of type ${typeof value}`;
  return quoted(value);
}

function unusable(path: string, line: number | undefined, problem: string, cause?: unknown, hint?: string): InputError {
  return new InputError(`${shown(path) || path}${line === undefined ? '' : `:${line}`}: ${problem}`, {
    code: 'config-unusable',
    hint: hint ?? `a config file reads ${EXAMPLE}`,
    cause,
  });
}
