/**
 * The user's own statements on their own tables: what an application sends, at its rates and with its limits. pgquake
 * knows nothing about the tables; it can account for rows only if a query returns their keys.
 */

import { resolve } from 'node:path';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { z } from 'zod';
import { errorText } from '../model/errors.ts';
import type { OperationKind } from '../model/history.ts';
import { formatKey } from '../model/key-ranges.ts';
import { duration, rate } from '../model/quantities.ts';
import { expectedButFound } from '../model/quoted.ts';
import { readRegular } from '../regular-file.ts';
import type { Session } from '../sql/session.ts';
import { pacedKind, paceKeys } from './pace.ts';
import { type Generator, generator, parseGenerator } from './sql/generators.ts';
import { embedded, problemOfOperation, problemOfVerify, readStatements } from './sql/statements.ts';
import { type KeyGenerator, keyFrom, ledgerBy } from './sql/verify.ts';
import type { OperationRequest, Workload, WorkloadProblem, WorkloadRun } from './workload.ts';

const MAX_OPERATIONS = 32;
const MAX_PARAMS = 100;
const MAX_SETUP_BYTES = 10_000_000;
const PREPARE_LIMIT_MS = 10_000;
const VERIFY_LIMIT_MS = 60_000;
/** The writer on new tables. `sequence()` keys know no other: `setUp` checks that none of them exists. */
const FIRST_WRITER = 1;

const parameter = z.string().superRefine((text, context) => {
  const parsed = parseGenerator(text);
  if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem });
});

const operation = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'expected a name in kebab-case such as place-order')
    .max(40)
    .describe('Its name in checks and reports.'),
  sql: z.string().min(1).describe('One statement, its own transaction; parameters are $1, $2 and so on.'),
  params: z
    .array(parameter)
    .max(MAX_PARAMS)
    .default([])
    .describe('What $1, $2, ... are: uniform(1, 1000), sequence(), pick([a, b]) or uuid(), one on each line.'),
  access: z
    .enum(['read', 'write'])
    .optional()
    .describe('What the statement does; by default read for a SELECT, else write.'),
  acknowledges: z
    .string()
    .regex(/^\$[1-9]\d?$/, { error: ({ input }) => expectedButFound('a parameter such as $1', input) })
    .optional()
    .describe('The parameter with the key of the row it writes; "verify" returns these keys.'),
  ...paceKeys,
  rate: rate.describe('Operations that start, whether or not earlier ones were answered.'),
});

const params = z
  .strictObject({
    setup: z
      .string()
      .min(1)
      .optional()
      .describe('A file of SQL, run once before the load; a path relative to the scenario.'),
    'setup-within': duration.prefault('60s').describe('How long the setup may take.'),
    operations: z.array(operation).min(1).max(MAX_OPERATIONS).describe('The operations of the load.'),
    verify: z
      .string()
      .min(1)
      .optional()
      .describe('A SELECT whose first column has the keys of all rows that "acknowledges" names.'),
  })
  .superRefine(({ operations, verify }, context) => {
    const note = (path: readonly (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path: [...path], message });
    const acknowledging = operations.flatMap(({ acknowledges }, i) => (acknowledges === undefined ? [] : [i]));
    for (const [i, { name, acknowledges, params }] of operations.entries()) {
      if (operations.findIndex((other) => other.name === name) < i) {
        note(['operations', i, 'name'], `expected a unique name, found ${JSON.stringify(name)} again`);
      }
      const key = acknowledges === undefined ? undefined : params[Number(acknowledges.slice(1)) - 1];
      if (acknowledges !== undefined && !/^\s*(sequence|uuid)\s*\(/.test(key ?? '')) {
        const expected = 'expected a parameter with unique values, sequence() or uuid()';
        note(
          ['operations', i, 'acknowledges'],
          `${expected}, found ${acknowledges}: ${key ?? 'there is no such parameter'}`,
        );
      }
    }
    for (const i of acknowledging.slice(1)) {
      note(['operations', i, 'acknowledges'], 'expected one operation with "acknowledges", found a second one');
    }
    if (verify !== undefined && acknowledging.length === 0) {
      note(['verify'], 'expected an operation with "acknowledges: $1", whose keys it returns, found none');
    }
    if (verify === undefined && acknowledging[0] !== undefined) {
      note(
        ['operations', acknowledging[0], 'acknowledges'],
        'expected "verify" beside the operations, a query that returns these keys, found none',
      );
    }
  });

type Written = z.output<typeof params>;
type Operation = Written['operations'][number];

/** `setupText` is the text of the setup file, once it is read. */
interface SqlParams extends Written {
  readonly setupText?: string;
}

export const sql: Workload<SqlParams> = {
  name: 'sql',
  summary: 'Your own statements, on your own tables.',
  source: import.meta.url,
  params,

  kinds: ({ operations }) =>
    operations.map((one): OperationKind => pacedKind({ name: one.name, access: accessOf(one), scope: 'all' }, one)),
  pathOf: ({ operations }, kind) => ['operations', operations.findIndex(({ name }) => name === kind)],
  start: ({ operations }, seed, writer = FIRST_WRITER) => new SqlRun(operations, seed, writer),
  ledger: (written) => {
    const key = keyOf(written);
    return written.verify === undefined || key === undefined ? undefined : ledgerBy(written.verify, key.generator);
  },

  complete,
  setUp,
};

function accessOf({ access, sql }: Operation): 'read' | 'write' {
  return access ?? (/^\s*(select|values|table|show)\b/i.test(sql) ? 'read' : 'write');
}

/** The operation and the generator of the key. */
function keyOf({
  operations,
}: Pick<Written, 'operations'>): { readonly kind: string; readonly generator: KeyGenerator } | undefined {
  for (const { name, acknowledges, params } of operations) {
    const parsed =
      acknowledges === undefined ? undefined : parseGenerator(params[Number(acknowledges.slice(1)) - 1] ?? '');
    if (parsed && 'name' in parsed && (parsed.name === 'sequence' || parsed.name === 'uuid')) {
      return { kind: name, generator: parsed };
    }
  }
  return undefined;
}

/** Reads the setup file, and checks every statement against PostgreSQL's grammar. */
async function complete(written: SqlParams, folder: string) {
  const problems: WorkloadProblem[] = [];
  const note = (path: WorkloadProblem['path'], message: string | undefined) => {
    if (message !== undefined) problems.push({ path, message });
  };
  for (const [i, one] of written.operations.entries()) {
    const problem = await problemOfOperation(one.sql, { access: accessOf(one), given: one.params.length });
    note(['operations', i, 'sql'], problem);
  }
  if (written.verify !== undefined) note(['verify'], await problemOfVerify(written.verify));
  const { setup } = written;
  if (setup === undefined || written.setupText !== undefined) return { params: written, problems };
  const file = resolve(folder, setup);
  let bytes: Buffer;
  try {
    bytes = await readRegular(file);
  } catch (error) {
    note(['setup'], `cannot read ${setup}: ${errorText(error)}; its path is relative to the folder of the scenario`);
    return { params: written, problems };
  }
  if (bytes.length > MAX_SETUP_BYTES) {
    note(['setup'], `expected at most ${MAX_SETUP_BYTES} bytes in ${setup}, found ${bytes.length}`);
    return { params: written, problems };
  }
  const setupText = bytes.toString('utf8');
  const read = await readStatements(setupText);
  if ('problem' in read) {
    const at = read.at === undefined ? '' : `${setup}:${read.at.line}:${read.at.column} `;
    note(['setup'], `${at}${read.problem}; the file must be SQL without psql commands`);
  } else if (read.count === 0) note(['setup'], `expected statements in ${setup}, found none`);
  return { params: { ...written, setupText }, problems };
}

/** Runs the setup and prepares every statement, so that the server rejects bad ones before the load. */
async function setUp(session: Session, written: SqlParams): Promise<readonly WorkloadProblem[]> {
  const { operations, verify, setup, setupText, 'setup-within': within } = written;
  const problems: WorkloadProblem[] = [];
  const attempt = async (path: WorkloadProblem['path'], what: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      problems.push({ path, message: `${what}: ${errorText(error)}` });
    }
  };
  if (setupText !== undefined) {
    await attempt(['setup'], `the server did not run ${setup}`, () => session.execute(setupText, within));
    if (problems.length > 0) return problems;
  }
  for (const [i, one] of operations.entries()) {
    const name = `pgquake_check_${i}`;
    await attempt(['operations', i, 'sql'], 'the server did not accept it', () =>
      session.execute(`PREPARE ${name} AS ${embedded(one.sql)}; DEALLOCATE ${name}`, PREPARE_LIMIT_MS),
    );
  }
  const key = keyOf(written);
  if (verify === undefined || !key || problems.length > 0) return problems;
  await attempt(['verify'], 'it cannot be used', async () => {
    const ledger = ledgerBy(verify, key.generator);
    const { rows } = await ledger.readAll(session, ledger.table, {}, VERIFY_LIMIT_MS);
    // A uuid() key names the run that wrote it, which is not this one.
    if (rows === 0 || key.generator.name === 'uuid') return;
    const found = `before the run it returns ${rows} keys that ${key.kind} would write`;
    throw new Error(`${found}; remove them in the setup, start sequence() after them, or use uuid()`);
  });
  return problems;
}

/** One operation, with the generators of its parameters. */
interface Kind {
  readonly operation: Operation;
  readonly generators: readonly Generator[];
  readonly statement: string;
  /** The index of the key among the parameters. */
  readonly key: { readonly index: number; readonly generator: KeyGenerator } | undefined;
  seq: number;
}

class SqlRun implements WorkloadRun {
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #random: () => number;

  constructor(operations: readonly Operation[], seed: number, writer: number) {
    const source = xoroshiro128plus(seed);
    this.#random = () => uniformFloat64(source);
    this.#kinds = new Map(operations.map((operation, i) => [operation.name, kindOf(operation, i, writer)]));
  }

  next(name: string): OperationRequest {
    const kind = this.#kinds.get(name);
    if (!kind) throw new Error(`there is no operation "${name}"`);
    const seq = ++kind.seq;
    const values = kind.generators.map((generate) => generate(seq, this.#random));
    const key = kind.key && keyFrom(String(values[kind.key.index]), kind.key.generator);
    return {
      ...(key ? { key: formatKey(key.writer, key.seq) } : {}),
      run: async (session, timeoutMs) => {
        const limit = timeoutMs === undefined ? {} : { timeoutMs };
        const rows = await session.query(kind.operation.sql, values, { name: kind.statement, ...limit });
        return { rows: rows.length };
      },
      settled: () => undefined,
    };
  }
}

function kindOf(operation: Operation, i: number, writer: number): Kind {
  const key = keyOf({ operations: [operation] });
  const index = Number(operation.acknowledges?.slice(1)) - 1;
  return {
    operation,
    generators: operation.params.map((text) => generator(text, writer)),
    statement: `own-${i}`,
    key: key && { index, generator: key.generator },
    seq: 0,
  };
}
