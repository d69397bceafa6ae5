/** Patroni as the manager of a cluster. Its decisions are read from its REST API, never assumed. */

import { type FailoverStep, type Manager, watchEvery } from '../../cluster/manager.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { until } from '../../model/until.ts';
import type { Member, Rest, RestNode } from './rest.ts';

/** How often pgquake looks for the holder of the leader key; more often while a new holder is being promoted. */
const LOOK_EVERY_MS = 150;
const LOOK_WHILE_AWAITED_MS = 50;
const LOOK_LIMIT_MS = 1_000;
const SWITCHOVER_LIMIT_MS = 60_000;
const POLL_MS = 100;
/** Patroni 3 says `master`. */
const PRIMARY = ['primary', 'master'];

export class PatroniManager implements Manager {
  readonly name = 'patroni';
  readonly failsOver = true;
  readonly #rest: Rest;
  readonly #nodes: readonly RestNode[];

  constructor(rest: Rest, nodes: readonly RestNode[]) {
    this.#rest = rest;
    this.#nodes = nodes;
  }

  async promote(node: NodeName): Promise<void> {
    await this.#rest.change('/failover', { candidate: node }, SWITCHOVER_LIMIT_MS);
    await this.#untilLeads(node);
  }

  async switchover(to?: NodeName): Promise<NodeName> {
    const leader = (await this.#rest.members()).find(({ role }) => role === 'leader')?.name;
    if (leader === undefined) throw new EnvironmentError('Patroni has no leader', { code: 'no-primary' });
    const candidate = to === undefined ? {} : { candidate: to };
    await this.#rest.change('/switchover', { leader, ...candidate }, SWITCHOVER_LIMIT_MS);
    const next = await this.#untilLeads(to, leader);
    await this.#untilFollows(leader);
    return next;
  }

  async pause(on: boolean): Promise<void> {
    await this.#rest.change('/config', { pause: on || null }, SWITCHOVER_LIMIT_MS, 'PATCH');
    const wrong = await until({ limitMs: SWITCHOVER_LIMIT_MS, everyMs: POLL_MS }, async () => {
      const members = (await this.#said()).filter(({ paused }) => paused !== on).map(({ name }) => name);
      return members.length === 0 ? undefined : members.join(', ');
    });
    if (wrong === undefined) return;
    throw new EnvironmentError(
      `${wrong}: ${on ? 'not paused' : 'still paused'} after ${SWITCHOVER_LIMIT_MS / 1_000} s`,
      { code: 'manager-refused' },
    );
  }

  async paused(): Promise<readonly NodeName[]> {
    return (await this.#said()).filter(({ paused }) => paused).map(({ name }) => name);
  }

  /** Whether each member that answers is paused. */
  async #said(): Promise<{ readonly name: NodeName; readonly paused: boolean }[]> {
    const asked = await Promise.allSettled(
      this.#nodes.map(async (node) => ({
        name: node.name,
        paused: (await this.#rest.status(node, LOOK_LIMIT_MS)).pause,
      })),
    );
    return asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  async #untilFollows(name: NodeName): Promise<void> {
    const missing = await until({ limitMs: SWITCHOVER_LIMIT_MS, everyMs: POLL_MS }, async () =>
      (await this.#is(name, ['replica'])) ? undefined : 'a standby',
    );
    if (missing === undefined) return;
    throw new EnvironmentError(`${name} is not a standby ${SWITCHOVER_LIMIT_MS / 1_000} s after the switchover`, {
      code: 'not-rejoined',
    });
  }

  /** @returns the leader once it takes writes: the wanted node, or any node other than `before`. */
  async #untilLeads(wanted: NodeName | undefined, before?: NodeName): Promise<NodeName> {
    let leader: NodeName | undefined;
    const missing = await until({ limitMs: SWITCHOVER_LIMIT_MS, everyMs: POLL_MS }, async () => {
      leader = (await this.#rest.members()).find(({ role }) => role === 'leader')?.name;
      const leads = leader !== undefined && (wanted === undefined ? leader !== before : leader === wanted);
      return leads && (await this.#is(leader as NodeName, PRIMARY)) ? undefined : 'a leader';
    });
    if (leader !== undefined && missing === undefined) return leader;
    throw new EnvironmentError(
      `${wanted === undefined ? 'no other node leads' : `${wanted} does not lead`} after ${SWITCHOVER_LIMIT_MS / 1_000} s`,
      {
        code: 'not-promoted',
      },
    );
  }

  /** Whether a node's Patroni reports that its server is running in one of these roles. */
  async #is(name: NodeName, roles: readonly string[]): Promise<boolean> {
    const node = this.#nodes.find((one) => one.name === name);
    if (!node) return false;
    try {
      const { role, state } = await this.#rest.status(node, LOOK_LIMIT_MS);
      return (state === 'running' || state === 'streaming') && roles.includes(role);
    } catch {
      return false;
    }
  }

  watch(onStep: (step: FailoverStep) => void): AsyncDisposable {
    const progress = new Progress(onStep);
    const everyMs = () => (progress.awaited === undefined ? LOOK_EVERY_MS : LOOK_WHILE_AWAITED_MS);
    return watchEvery(everyMs, async (signal) => {
      const members = await this.#rest.members(LOOK_LIMIT_MS).catch(() => undefined);
      if (!members || signal.aborted) return;
      progress.seen(members);
      const elected = progress.awaited;
      if (elected !== undefined && (await this.#is(elected, PRIMARY)) && !signal.aborted) progress.promoted();
    });
  }
}

/** Turns successive views of the leader key and the members into steps of a failover. */
export class Progress {
  readonly #onStep: (step: FailoverStep) => void;
  /** The last leader that took writes. */
  #leader: NodeName | undefined;
  #elected: NodeName | undefined;
  #noticed = false;

  constructor(onStep: (step: FailoverStep) => void) {
    this.#onStep = onStep;
  }

  /** The holder of the leader key that has not taken writes yet. */
  get awaited(): NodeName | undefined {
    return this.#elected;
  }

  seen(members: readonly Member[]): void {
    const leader = members.find(({ role }) => role === 'leader');
    const from = this.#leader;
    if (from === undefined) {
      this.#leader = leader?.name;
      return;
    }
    if (leader?.name === from) {
      // The leader kept its key or regained it.
      this.#noticed = false;
      this.#elected = undefined;
      return;
    }
    if (!this.#noticed) {
      this.#noticed = true;
      this.#onStep({ step: 'noticed', from, detail: 'its leader key is gone from the DCS' });
    }
    if (leader === undefined || leader.name === this.#elected) return;
    this.#elected = leader.name;
    this.#onStep({ step: 'elected', from, to: leader.name, detail: 'it holds the leader key' });
  }

  promoted(): void {
    const [from, to] = [this.#leader, this.#elected];
    if (from === undefined || to === undefined) return;
    this.#leader = to;
    this.#elected = undefined;
    this.#noticed = false;
    this.#onStep({ step: 'promoted', from, to, detail: 'its Patroni reports it as primary' });
  }
}
