/**
 * Accounts for rows in the user's tables: one operation names the parameter that is the key of its row, and a query
 * returns all existing keys. Keys that no run can have written do not count.
 */

import { EnvironmentError } from '../../model/errors.ts';
import type { ReadSummary } from '../../model/event.ts';
import { formatKey, type Key, KeySet } from '../../model/key-ranges.ts';
import type { Session } from '../../sql/session.ts';
import { fingerprintOf, MAX_ODD_ROWS } from '../rows.ts';
import type { Ledger } from '../workload.ts';
import { keyOfUuid, type Parsed } from './generators.ts';
import { embedded } from './statements.ts';

/** The writer of a numeric key, which names none. */
const WRITER = 1;
/** The highest writer that fits into a key. */
const MAX_WRITER = 0xfff;

/** The generators of keys: their values are unique and identify the write. */
export type KeyGenerator = Extract<Parsed, { readonly name: 'sequence' | 'uuid' }>;

/** @returns the write that created a key; `undefined` if no run did. */
export function keyFrom(text: string, generator: KeyGenerator): Key | undefined {
  if (generator.name === 'uuid') return keyOfUuid(text);
  // Accepts the form of a numeric column, such as 5.00.
  if (!/^\d+(?:\.0+)?$/.test(text)) return undefined;
  const seq = Number(text) - generator.first + 1;
  return Number.isSafeInteger(seq) && seq >= 1 ? { writer: WRITER, seq } : undefined;
}

export function ledgerBy(verify: string, generator: KeyGenerator): Ledger<unknown> {
  const query = embedded(verify);
  return {
    table: `(${query}) AS verified (key)`,
    lookup: { columns: '*', key: keySql(generator) },
    sessionless: true,
    unverifiedReads: true,
    madeByClients: true,
    fingerprintSql: fingerprintOf('key::text'),
    initialRows: () => 0,
    partitionKeys: () => 0,
    readAll: (session, relation, _, timeoutMs) => readKeys(session, relation, generator, timeoutMs),
    ...(generator.name === 'uuid'
      ? { nextWriter: (session: Session, timeoutMs: number) => nextWriter(session, query, timeoutMs) }
      : {}),
  };
}

/** Writer and sequence number of a key as two SQL expressions; null for a key that no run can have written. */
function keySql(generator: KeyGenerator): string {
  if (generator.name === 'sequence') {
    const number = String.raw`substring(key::text FROM '^(\d+)(?:\.0+)?$')::numeric`;
    return `${WRITER}, ${number} - ${generator.first - 1}`;
  }
  const isUuid = "key::text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'";
  const parts = ['substr(key::text, 21, 3))::bit(12)::int', 'right(key::text, 12))::bit(48)::bigint'];
  return parts.map((part) => `CASE WHEN ${isUuid} THEN ('x' || ${part} END`).join(', ');
}

/** @throws EnvironmentError if the keys have no room for another run. */
async function nextWriter(session: Session, query: string, timeoutMs: number): Promise<number> {
  let last = 0;
  const see = ([text]: readonly unknown[]) => {
    last = Math.max(last, keyOfUuid(String(text))?.writer ?? 0);
  };
  await session.forEachRow(`SELECT key::text FROM (${query}) AS verified (key)`, [], see, { timeoutMs });
  if (last < MAX_WRITER) return last + 1;
  throw new EnvironmentError(`"verify" returns keys of ${last} runs, the maximum`, {
    code: 'too-many-runs',
    hint: 'write a "verify" that excludes earlier runs, or use tables that no run has written to',
  });
}

async function readKeys(
  session: Session,
  relation: string,
  generator: KeyGenerator,
  timeoutMs: number,
): Promise<ReadSummary> {
  const present = new KeySet();
  const duplicated: string[] = [];
  let rows = 0;
  const add = ([text]: readonly unknown[]) => {
    const key = keyFrom(String(text), generator);
    if (!key) return;
    rows++;
    if (present.has(key.writer, key.seq) && duplicated.length < MAX_ODD_ROWS) {
      duplicated.push(formatKey(key.writer, key.seq));
    }
    present.add(key.writer, key.seq);
  };
  await session.forEachRow(`SELECT key::text FROM ${relation}`, [], add, { timeoutMs });
  return { rows, present: present.toRanges(), duplicated, corrupted: [] };
}
