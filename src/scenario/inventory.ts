/** Reads an inventory, from a scenario or from a file that several scenarios share. */

import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { fileProblem, InputError } from '../model/errors.ts';
import type { Connection, ContainerPlace, Inventory, MachinePlace, PasswordSource } from '../model/inventory.ts';
import { documentation } from '../model/package-files.ts';
import { readWrittenSync } from '../regular-file.ts';
import { isMapping, type Mapping, problemsOf } from './explain.ts';
import { inventorySchema, PEER } from './inventory-schema.ts';
import { type Problem, ScenarioError } from './problems.ts';
import { Source } from './source.ts';

const UNDO_AFTER_MS = 60_000;
const DEFAULT_PORT = 5432;

/** What a source holds, and the page that explains it. */
const INVENTORY = { what: 'inventory', page: 'attach.md' };

type Written = z.output<typeof inventorySchema>;

/**
 * Reads the inventory at a path of a source.
 * @param folder for its relative paths.
 */
export function inventoryIn(
  source: Source,
  value: unknown,
  path: readonly PropertyKey[],
  folder: string,
): { readonly inventory?: Inventory; readonly problems: readonly Problem[] } {
  const result = inventorySchema.safeParse(value);
  if (result.success) return { inventory: inventoryFrom(result.data, folder), problems: [] };
  return { problems: problemsOf(result.error, { source, value, schema: inventorySchema, path }) };
}

/**
 * Reads an inventory file.
 * @param shown how messages name it; its path by default.
 * @throws InputError where it cannot be read; ScenarioError with all its problems and their places.
 */
export function readInventory(path: string, shown = path): Inventory {
  let text: string;
  try {
    text = readWrittenSync(path);
  } catch (error) {
    throw new InputError(`cannot read the inventory ${shown}: ${fileProblem(error)}`, {
      code: 'inventory-unreadable',
      hint: `"pgquake init" writes one; ${documentation('attach.md')} has examples`,
    });
  }
  return parseInventory(text, { shown, folder: dirname(resolve(path)) });
}

/**
 * The same for a text.
 * @param from.shown how messages name it.
 * @param from.folder for its relative paths.
 * @throws ScenarioError with all its problems and their places.
 */
export function parseInventory(
  text: string,
  { shown, folder }: { readonly shown: string; readonly folder: string },
): Inventory {
  const source = new Source(text, shown, INVENTORY);
  const { inventory, problems } = inventoryIn(source, source.value, [], folder);
  if (!inventory || source.problems.length > 0)
    throw new ScenarioError([...source.problems, ...problems], INVENTORY.page);
  return inventory;
}

/** Whether a word names an inventory file, not a Compose project. */
export function isInventoryFile(word: unknown): word is string {
  return typeof word === 'string' && /\.ya?ml$/.test(word);
}

/** Whether `attach` is an inventory or names its file. */
export function meansInventory(attach: unknown): attach is string | Mapping {
  return isInventoryFile(attach) || isMapping(attach);
}

function inventoryFrom({ name, nodes, routes, patroni, ...fallback }: Written, folder: string): Inventory {
  const reached = ({ url: connection, ...own }: { readonly url: Connection } & WrittenPassword) => ({
    connection: absolute(connection, folder),
    ...passwordFrom(own, folder, passwordFrom(fallback, folder)),
  });
  return {
    name,
    ...(patroni === undefined ? {} : { manager: { engine: 'patroni', address: patroni } }),
    nodes: Object.entries(nodes).map(([one, { docker, ssh, peer, ...rest }]) => ({
      name: one,
      ...reached(rest),
      ...(docker === undefined ? {} : { docker: placeFrom(docker, folder) }),
      ...(ssh === undefined ? {} : { ssh: machineFrom(ssh, folder) }),
      ...(peer === undefined ? {} : { peer: peerFrom(peer) }),
    })),
    routes: Object.entries(routes).map(([one, { access, ...rest }]) => ({ name: one, access, ...reached(rest) })),
  };
}

interface WrittenPlace {
  readonly container: string;
  readonly host?: string | undefined;
  readonly context?: string | undefined;
  readonly 'cert-path'?: string | undefined;
}

function placeFrom({ container, host, context, 'cert-path': path }: WrittenPlace, folder: string): ContainerPlace {
  return {
    container,
    ...(host === undefined ? {} : { host }),
    ...(context === undefined ? {} : { context }),
    ...(path === undefined ? {} : { certPath: resolve(folder, path) }),
  };
}

interface WrittenMachine {
  readonly to: string;
  readonly service?: string | undefined;
  readonly config?: string | undefined;
  readonly 'undo-after'?: number | undefined;
}

function machineFrom({ to, service, config, 'undo-after': undoAfterMs }: WrittenMachine, folder: string): MachinePlace {
  return {
    to,
    ...(service === undefined ? {} : { service }),
    ...(config === undefined ? {} : { config: resolve(folder, config) }),
    undoAfterMs: undoAfterMs ?? UNDO_AFTER_MS,
  };
}

function peerFrom(written: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain = '', port] = PEER.exec(written) ?? [];
  return { host: bracketed ?? plain, port: Number(port ?? DEFAULT_PORT) };
}

interface WrittenPassword {
  readonly 'password-file'?: string | undefined;
  readonly 'password-env'?: string | undefined;
}

function passwordFrom(written: WrittenPassword, folder: string, fallback: PasswordSource = {}): PasswordSource {
  const { 'password-file': file, 'password-env': variable } = written;
  if (file !== undefined) return { passwordFile: resolve(folder, file) };
  return variable === undefined ? fallback : { passwordEnv: variable };
}

function absolute(connection: Connection, folder: string): Connection {
  const { sslrootcert } = connection;
  return sslrootcert === undefined ? connection : { ...connection, sslrootcert: resolve(folder, sslrootcert) };
}

/** The published JSON Schema (draft 2020-12) of an inventory, for editors. */
export function inventoryJsonSchema(): Record<string, unknown> {
  const schema = inventorySchema.meta({
    title: 'pgquake inventory',
    description: 'An existing PostgreSQL cluster, and how pgquake may break it.',
  });
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' }) as Record<string, unknown>;
}
