/**
 * The managers that replace a lost primary. `by-hand` acts like an operator with a runbook: checks whether the primary
 * answers, waits, promotes the standby that has received most, and lets the others follow. It fences nothing: an old
 * primary that is frozen or cut off remains one.
 */

import { sqlRefusal } from '../../cluster/health.ts';
import { type FailoverStep, type Manager, watchEvery } from '../../cluster/manager.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import type { StreamingCluster } from './cluster.ts';
import { type Answer, askAll } from './observe.ts';
import { lsnValue, voicesNeeded } from './sql.ts';

const LOOK_EVERY_MS = 150;
/** Standbys are asked less often, because each question opens a connection, which loads the servers. */
const ASK_STANDBYS_EVERY_MS = 1_000;
export const ANSWER_LIMIT_MS = 500;
/** How long `by-hand` waits for silent standbys after the primary counts as lost: one may have received most. */
export const PATIENCE_MS = 2_000;
/** A standby that hears nothing for `promote-after` and this is cut off: even an idle primary speaks every 2 s. */
const CUT_OFF_MS = 2_500;

/** Promotes only if a fault asks for it. */
export function noManager(cluster: StreamingCluster): Manager {
  return {
    name: 'none',
    failsOver: false,
    watch: () => ({ [Symbol.asyncDispose]: async () => undefined }),
    promote: (node) => promote(cluster, node),
    switchover: (to) => cluster.switchover(to),
  };
}

/** A primary that does not answer. */
interface Lost {
  readonly node: NodeName;
  readonly sinceMs: number;
  gaveUp: boolean;
}

export class ByHand implements Manager {
  readonly name = 'by-hand';
  readonly failsOver = true;
  readonly #cluster: StreamingCluster;
  #standbysAskedAt = Number.NEGATIVE_INFINITY;
  #cutOff: string | undefined;

  constructor(cluster: StreamingCluster) {
    this.#cluster = cluster;
  }

  promote(node: NodeName): Promise<void> {
    return promote(this.#cluster, node);
  }

  switchover(to?: NodeName): Promise<NodeName> {
    return this.#cluster.switchover(to);
  }

  watch(onStep: (step: FailoverStep) => void): AsyncDisposable {
    let lost: Lost | undefined;
    return watchEvery(
      () => LOOK_EVERY_MS,
      async () => {
        lost = await this.#look(lost, onStep);
      },
    );
  }

  /** @returns the primary that does not answer, if any, after replacing it if it has been lost for long enough. */
  async #look(before: Lost | undefined, onStep: (step: FailoverStep) => void): Promise<Lost | undefined> {
    const { spec, primary, changing } = this.#cluster;
    if (changing) return before;
    const askedAt = performance.now();
    const reason = await this.#lostBecause();
    if (reason === undefined) return undefined;
    let lost = before;
    if (lost?.node !== primary.name) {
      lost = { node: primary.name, sinceMs: askedAt, gaveUp: false };
      onStep({ step: 'noticed', from: primary.name, detail: `${reason}; it has ${spec.promoteAfterMs / 1_000} s` });
    }
    if (performance.now() - lost.sinceMs < spec.promoteAfterMs) return lost;
    const current = lost;
    await this.#cluster
      .exclusively(() => this.#replace(current, onStep))
      .catch((error: unknown) => {
        // It keeps trying, but reports the failure only once.
        if (!current.gaveUp) onStep({ step: 'gave-up', from: current.node, detail: errorText(error) });
        current.gaveUp = true;
      });
    return current;
  }

  /** @returns why the primary counts as lost; `undefined` if it does not. */
  async #lostBecause(): Promise<string | undefined> {
    const { primary, nodes, spec } = this.#cluster;
    const refusal = await sqlRefusal(primary, ANSWER_LIMIT_MS);
    if (refusal !== undefined) return refusal;
    if (performance.now() - this.#standbysAskedAt < ASK_STANDBYS_EVERY_MS) return this.#cutOff;
    this.#standbysAskedAt = performance.now();
    this.#cutOff = await this.#cutOffFromAll(primary, nodes, spec.promoteAfterMs + CUT_OFF_MS);
    return this.#cutOff;
  }

  async #cutOffFromAll(primary: NodeControl, nodes: readonly NodeControl[], afterMs: number) {
    const standbys = await askAll(nodes.filter((node) => node !== primary));
    const cut = standbys.filter(({ state }) => state?.standby && state.silentMs > afterMs);
    // A single silent standby may itself be the node that is cut off.
    if (cut.length < 2 || cut.length < standbys.filter(({ state }) => state).length) return undefined;
    return `it answers, but none of ${cut.map(({ name }) => name).join(', ')} hears from it`;
  }

  async #replace({ node: from, sinceMs }: Lost, onStep: (step: FailoverStep) => void): Promise<void> {
    const { primary, nodes, spec } = this.#cluster;
    // While this waited for its turn, a fault may have replaced the primary, or it may be back.
    this.#askAgain();
    if (primary.name !== from || (await this.#lostBecause()) === undefined) return;
    const answers = await askAll(nodes.filter((node) => node !== primary));
    const silent = answers.filter(({ state }) => !state).map(({ name }) => name);
    if (silent.length > 0 && performance.now() - sinceMs < spec.promoteAfterMs + PATIENCE_MS) return;
    const elected = mostReceived(answers);
    const [voices, needed] = [answers.length - silent.length, voicesNeeded(spec)];
    if (!elected || voices < needed) {
      const why = voices === 0 ? 'no standby answers' : `${silent.join(', ')} may have writes that no other node has`;
      throw new EnvironmentError(`${why}: ${voices} of ${answers.length} answer, ${needed} must`, {
        code: 'no-successor',
      });
    }
    const to = elected.name;
    onStep({ step: 'elected', from, to, detail: elected.why });
    const node = nodes.find(({ name }) => name === to);
    if (!node) throw new Error(`${to} is no member`);
    await this.#cluster.promote(node, () => onStep({ step: 'promoted', from, to, detail: 'pg_promote()' }));
    this.#askAgain();
  }

  /** Forgets what standbys reported earlier, possibly about another primary. */
  #askAgain(): void {
    this.#standbysAskedAt = Number.NEGATIVE_INFINITY;
    this.#cutOff = undefined;
  }
}

async function promote(cluster: StreamingCluster, name: NodeName): Promise<void> {
  const node = cluster.nodes.find((candidate) => candidate.name === name);
  if (!node) throw new EnvironmentError(`the cluster has no node ${name}`, { code: 'no-such-node' });
  await cluster.exclusively(() => cluster.promote(node));
}

/** Picks the standby with the highest position on the highest timeline; the first one if several are equal. Pure. */
export function mostReceived(
  answers: readonly Answer[],
): { readonly name: NodeName; readonly why: string } | undefined {
  const standbys = answers.flatMap(({ name, state }) => (state?.standby ? [{ name, ...state }] : []));
  const [first] = standbys.toSorted((a, b) => {
    const further = lsnValue(b.lsn) - lsnValue(a.lsn);
    return b.timeline - a.timeline || (further > 0n ? 1 : further < 0n ? -1 : 0);
  });
  if (!first) return undefined;
  const said = standbys.map(({ name, lsn }) => `${name} ${lsn}`).join(', ');
  return { name: first.name, why: `it has received most: ${said}` };
}
