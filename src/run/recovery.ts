/**
 * After the load: transactions that failures left prepared. What they wrote may be acknowledged and is not visible, so
 * the data are read now, the engine is given time to end them, and the final reads come after. Records; judges nothing.
 */

import { preparedTransactions, type StandingTransaction } from '../cluster/leftovers.ts';
import { errorText } from '../model/errors.ts';
import { type EndedTransaction, LEFTOVERS, type PreparedTransaction } from '../model/event.ts';
import { formatKey } from '../model/key-ranges.ts';
import type { NodeName } from '../model/topology.ts';
import { pause } from '../model/until.ts';
import { connectTo, type FinalReadsOptions, placementsOf, READ_TIMEOUT_MS, readSources } from './final-reads.ts';

/** Citus ends what was prepared once a minute. */
export const RECOVERY_LIMIT_MS = 75_000;
/** For what stands after that, once the engine has been asked. */
const ASKED_LIMIT_MS = 10_000;
const POLL_MS = 250;
/** A commit in two phases that nothing disturbs takes milliseconds; one that was under way when the load stopped may end yet. */
const UNDISTURBED_MS = 1_000;
const UNDISTURBED_LIMIT_MS = 5_000;
const MAX_KEYS = 100;

export interface RecoveryLimits {
  /** For the engine by itself; 75 s by default. */
  readonly ownMs?: number;
  /** After it was asked; 10 s by default. */
  readonly askedMs?: number;
}

/**
 * Reads what is there, and waits until every transaction that stands prepared has ended, at most as long as the
 * event `recovery-awaited` says. Does nothing where none stands.
 * @returns whether some stand still.
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

/** What was prepared a while ago; what is younger is given the time to end. */
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
  /** Nodes that could not be asked, and why. */
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

/** The wait for some transactions to end. */
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
      // A node that cannot be asked tells nothing: all that stood there stands.
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

/** Finds the rows that each transaction made by its number, which they carry. */
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
        // Which rows were late stands in the reads; only by which transaction is not known then.
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
