/**
 * Transactions that failures left prepared: their writes may be acknowledged but invisible. So pgquake reads the data,
 * gives the engine time to end them, and makes the final reads afterwards.
 */

import { preparedTransactions, type StandingTransaction } from '../cluster/leftovers.ts';
import { errorText } from '../model/errors.ts';
import { type EndedTransaction, LEFTOVERS, type PreparedTransaction } from '../model/event.ts';
import { formatKey } from '../model/key-ranges.ts';
import type { NodeName } from '../model/topology.ts';
import { pause } from '../model/until.ts';
import { connectTo, type FinalReadsOptions, placementsOf, READ_TIMEOUT_MS, readSources } from './final-reads.ts';

/** Citus ends prepared transactions once a minute. */
const RECOVERY_LIMIT_MS = 75_000;
/** For transactions left after that, once pgquake has asked the engine to end them. */
const ASKED_LIMIT_MS = 10_000;
const POLL_MS = 250;
/** A normal two-phase commit takes milliseconds, so a younger transaction may still end by itself. */
const UNDISTURBED_MS = 1_000;
const UNDISTURBED_LIMIT_MS = 5_000;
const MAX_KEYS = 100;

export interface RecoveryLimits {
  /** For the engine to end them by itself; 75 s by default. */
  readonly ownMs?: number;
  /** After pgquake asked it; 10 s by default. */
  readonly askedMs?: number;
}

/**
 * If there are prepared transactions, reads the data and waits until all have ended, up to the limit in the event
 * `recovery-awaited`.
 * @returns whether some are still prepared.
 * @throws the signal's reason.
 */
export async function untilNothingIsInDoubt(options: FinalReadsOptions, limits: RecoveryLimits = {}): Promise<boolean> {
  const { recorder, signal, cluster, clock } = options;
  const { ownMs = RECOVERY_LIMIT_MS, askedMs = ASKED_LIMIT_MS } = limits;
  const standing = await disturbed(options);
  if (standing.length === 0) return false;
  recorder.event({
    type: 'recovery-awaited',
    preparedTransactions: standing.map(withoutNumber),
    limitMs: ownMs,
    ...(cluster.recover ? { thenAskedForMs: askedMs } : {}),
  });
  const startedAt = clock.nowMs();
  await readSources(options, (source, read) => ({ type: 'read-in-doubt', ...source, read }));
  const wait = new Wait(options, standing);
  await wait.until(startedAt + ownMs);
  let asked: { readonly askedAt: number; readonly error?: string } | undefined;
  if (wait.left.length > 0 && cluster.recover) {
    const askedAt = clock.nowMs();
    const error = await cluster.recover().then(() => undefined, errorText);
    asked = { askedAt, ...(error === undefined ? {} : { error }) };
    signal.throwIfAborted();
    await wait.until(clock.nowMs() + askedMs);
  }
  recorder.event({
    type: 'recovery-ended',
    ended: await withKeys(options, wait.ended),
    left: wait.left.map(withoutNumber),
    waitedMs: clock.nowMs() - startedAt,
    ...asked,
  });
  return wait.left.length > 0;
}

/** The transactions that stay prepared, after giving young ones time to end. */
async function disturbed(options: FinalReadsOptions): Promise<readonly StandingTransaction[]> {
  const { clock, signal, recorder } = options;
  const untilMs = clock.nowMs() + UNDISTURBED_LIMIT_MS;
  for (;;) {
    const { standing, errors } = await lookAround(options);
    const young = standing.some(({ ageMs }) => ageMs < UNDISTURBED_MS);
    if (young && clock.nowMs() < untilMs) {
      await pause(POLL_MS, signal);
      continue;
    }
    for (const error of errors.values()) recorder.event({ type: 'final-read-failed', source: LEFTOVERS, error });
    return standing;
  }
}

interface LookAround {
  readonly standing: readonly StandingTransaction[];
  /** Nodes that could not be asked, with the reason. */
  readonly errors: ReadonlyMap<NodeName, string>;
}

async function lookAround(options: FinalReadsOptions): Promise<LookAround> {
  const { nodes, signal } = options;
  const sources = Map.groupBy(placementsOf(options), ({ node }) => node);
  const errors = new Map<NodeName, string>();
  const standing = await Promise.all(
    nodes.all.map(async (node) => {
      const relations = (sources.get(node.name) ?? []).map(({ relation }) => relation);
      return preparedTransactions([node], () => relations).catch((error: unknown) => {
        errors.set(node.name, `${node.name}: ${errorText(error)}`);
        return [];
      });
    }),
  );
  signal.throwIfAborted();
  return { standing: standing.flat(), errors };
}

class Wait {
  left: readonly StandingTransaction[];
  readonly ended: (StandingTransaction & Pick<EndedTransaction, 'preparedAt' | 'endedAt'>)[] = [];
  readonly #options: FinalReadsOptions;
  readonly #seenAt: number;

  constructor(options: FinalReadsOptions, standing: readonly StandingTransaction[]) {
    this.#options = options;
    this.#seenAt = options.clock.nowMs();
    this.left = standing;
  }

  async until(limitMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    for (;;) {
      // On a node that cannot be asked, all transactions count as still prepared.
      const { standing, errors } = await lookAround(this.#options);
      const names = new Set(standing.map(nameOf));
      const stands = (one: StandingTransaction) => names.has(nameOf(one)) || errors.has(one.node);
      const endedAt = clock.nowMs();
      for (const one of this.left.filter((candidate) => !stands(candidate))) {
        this.ended.push({ ...one, preparedAt: this.#seenAt - one.ageMs, endedAt });
      }
      this.left = this.left.filter(stands);
      if (this.left.length === 0 || endedAt >= limitMs) return;
      await pause(POLL_MS, signal);
    }
  }
}

function nameOf({ node, gid }: StandingTransaction): string {
  return `${node} ${gid}`;
}

function withoutNumber({ node, gid, ageMs, relations }: StandingTransaction): PreparedTransaction {
  return { node, gid, ageMs, relations };
}

/** Finds the rows of each transaction by its id, which is their `xmin`. */
async function withKeys(options: FinalReadsOptions, ended: Wait['ended']): Promise<EndedTransaction[]> {
  const { nodes, ledger } = options;
  const made = new Map<string, string[]>();
  await Promise.all(
    nodes.all.map(async (node) => {
      const here = ended.filter((one) => one.node === node.name && one.relations.length > 0);
      if (here.length === 0 || !ledger) return;
      try {
        await using session = await connectTo(node);
        for (const relation of new Set(here.flatMap(({ relations }) => relations))) {
          const rows = await session.query(
            `SELECT xmin::text, ${ledger.lookup.key} FROM ${relation} WHERE xmin::text = ANY($1::text[])`,
            [here.map(({ xid }) => xid)],
            { timeoutMs: READ_TIMEOUT_MS },
          );
          for (const [xid, writer, seq] of rows) {
            const id = `${node.name} ${xid}`;
            made.set(id, [...(made.get(id) ?? []), formatKey(Number(writer), Number(seq))]);
          }
        }
      } catch {
        // The reads still show which rows were late, only not by which transaction.
      }
    }),
  );
  return ended.map(({ node, gid, xid, preparedAt, endedAt }) => ({
    node,
    gid,
    preparedAt,
    endedAt,
    keys: (made.get(`${node} ${xid}`) ?? []).slice(0, MAX_KEYS),
  }));
}
