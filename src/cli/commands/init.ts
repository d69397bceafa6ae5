/** `pgquake init`: writes an inventory of an existing cluster and a first scenario, after checking both. */

import { closeSync, existsSync, openSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { makeFolder } from '../../make-folder.ts';
import { EnvironmentError, errorText, InputError } from '../../model/errors.ts';
import { ownCommand } from '../../model/package-files.ts';
import { formatCount } from '../../model/units.ts';
import { firstScenarioText, inventoryText } from '../../scenario/inventory-draft.ts';
import type { Command } from '../command.ts';
import { draftOf, INVENTORY, type Named } from '../draft-inventory.ts';
import { openQuake } from '../open.ts';

interface InitArguments extends Named {
  folder: string;
}

const SCENARIO = 'first.yaml';
/** Time for the user to answer. */
const ANSWER_LIMIT_MS = 300_000;
const LIST = { type: 'string', array: true, nargs: 1, default: [] as string[] } as const;
const TEXT = { type: 'string', requiresArg: true } as const;

export const init: Command<InitArguments> = {
  builder: (yargs) =>
    yargs
      .positional('folder', { type: 'string', default: '.', describe: 'where the two files go' })
      .option('url', { ...LIST, describe: "a server's connection string, without a password; may be repeated" })
      .option('docker', { ...LIST, describe: 'container of a --url server; give both in the same order' })
      .option('ssh', { ...LIST, describe: 'or its machine over SSH: user@host' })
      .option('compose', { ...TEXT, describe: 'a Compose project: each of its PostgreSQL containers becomes a node' })
      .option('user', { ...TEXT, describe: 'with --compose: the user [default: POSTGRES_USER of the container]' })
      .option('database', { ...TEXT, describe: 'with --compose: the database [default: POSTGRES_DB of the container]' })
      .option('name', { ...TEXT, describe: 'a name for the cluster [default: the database or Compose project]' })
      .option('password-env', {
        ...TEXT,
        describe: "the password's variable [default: PGPASSWORD, else ~/.pgpass]",
      })
      .example('$0 init --url postgresql://app@10.0.0.5/orders --ssh ops@10.0.0.5', 'finds its standbys too'),
  handler: async (args) => {
    const files = [INVENTORY, SCENARIO].map((file) => join(args.folder, file)) as [string, string];
    refuseThere(files);
    const quake = await openQuake({ config: undefined });
    const { draft, notes } = await draftOf(quake.catalog.inventory, await answered(args));
    const text = inventoryText(draft);
    const scenario = firstScenarioText(draft, INVENTORY);
    // Only once the inventory is written can the scenario be parsed, because it names that file.
    await writeAll({ [files[0]]: text, [files[1]]: scenario }, args.folder, () => quake.parse(scenario, files[1]));
    for (const note of notes) console.log(note);
    console.log(
      `wrote ${files[0]} with ${formatCount(draft.nodes.length, 'node')}: ${draft.nodes.map(({ name }) => name).join(', ')}`,
    );
    console.log(`wrote ${files[1]}`);
    const path = (file: string) => (relative('.', file).startsWith('..') ? resolve(file) : `./${relative('.', file)}`);
    console.log(`next: ${ownCommand()} attach check ${path(files[0])}`);
    console.log(`then: ${ownCommand()} ${path(files[1])} --dry-run, and with --confirm ${draft.name}`);
  },
};

/** @throws InputError if one of the files exists: pgquake does not overwrite what the user wrote. */
function refuseThere(files: readonly string[]): void {
  const there = files.filter((file) => existsSync(file));
  if (there.length === 0) return;
  throw new InputError(
    `${there.join(' and ')} ${there.length === 1 ? 'already exists' : 'already exist'}; nothing was written`,
    {
      code: 'file-exists',
      hint: 'name another folder, or move the file away',
    },
  );
}

/** @throws EnvironmentError if it cannot be created. */
function makeMissing(folder: string): string | undefined {
  try {
    return makeFolder(folder);
  } catch (error) {
    throw new EnvironmentError(`cannot create the folder ${folder}: ${errorText(error)}`, {
      code: 'cannot-write',
      hint: 'name a folder that you can write to',
      cause: error,
    });
  }
}

/**
 * Writes new files into a folder, which it creates if necessary, and then checks them.
 * @throws what writing or the check throws; then it has removed what it wrote and created.
 */
export async function writeAll(
  files: Readonly<Record<string, string>>,
  folder: string,
  check: () => void,
): Promise<void> {
  const written: string[] = [];
  const firstMade = makeMissing(folder);
  try {
    for (const [file, content] of Object.entries(files)) {
      const handle = openSync(file, 'wx');
      written.push(file);
      try {
        writeFileSync(handle, content);
      } finally {
        closeSync(handle);
      }
    }
    check();
  } catch (error) {
    for (const file of written) rmSync(file, { force: true });
    if (firstMade !== undefined) removeEmpty(resolve(folder), resolve(firstMade));
    throw error;
  }
}

/** Removes a folder and those above it up to `last`, as far as they are empty. */
function removeEmpty(folder: string, last: string): void {
  try {
    rmdirSync(folder);
    if (folder !== last) removeEmpty(dirname(folder), last);
  } catch {
    // Another program has written into it: what is not pgquake's stays.
  }
}

/** Asks the user on a terminal if no flag names a cluster. */
async function answered(args: InitArguments): Promise<InitArguments> {
  if (args.url.length > 0 || args.compose !== undefined) return args;
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new InputError('expected --url or --compose, found neither', {
      code: 'usage',
      hint: `name a server: "${ownCommand()} init --url postgresql://app@10.0.0.5:5432/orders"; or a Compose project: --compose orders`,
    });
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const ask = (question: string) => asking.question(question, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
  try {
    const url = (await ask('Connection string of a server, without a password: ')).trim();
    const place = (await ask('Its container, or user@host for ssh (empty if you break it yourself): ')).trim();
    const how = place.includes('@') ? { ssh: [place] } : { docker: place === '' ? [] : [place] };
    return { ...args, url: [url], ...how };
  } finally {
    asking.close();
  }
}
