/** A formed Patroni cluster: when it is steady, how clients connect, and when a node is back. */

import type { FormedCluster, Returning } from '../../cluster/engine.ts';
import { refusalOf } from '../../cluster/health.ts';
import { openSession } from '../../cluster/open-session.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import { directRoute, type Route } from '../../cluster/route.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { Roles } from '../../model/roles.ts';
import type { PlacementMap } from '../../model/topology.ts';
import { until } from '../../model/until.ts';
import { copiesOn } from '../members.ts';
import { askNode, Observer, rolesFrom } from '../streaming/observe.ts';
import { PatroniManager } from './manager.ts';
import { STANDBY_PORT } from './programs.ts';
import { type Member, Rest } from './rest.ts';
import { HAPROXY, type PatroniSpec, PGBOUNCER } from './spec.ts';

const LOOK_AGAIN_MS = 200;
const ROUTE_MS = 2_000;
/** Time for a lost member to rewind or copy its data, and to stream. */
const REJOIN_LIMIT_MS = 120_000;

interface PatroniOptions {
  /** The PostgreSQL servers. */
  readonly nodes: readonly NodeControl[];
  readonly beside: readonly NodeControl[];
  readonly placement: PlacementMap;
  readonly spec: PatroniSpec;
  readonly version?: string;
}

export class PatroniCluster {
  readonly #options: PatroniOptions;
  readonly rest: Rest;
  readonly #observer: Observer;

  constructor(options: PatroniOptions) {
    this.#options = options;
    this.rest = new Rest(options.nodes);
    this.#observer = new Observer(options.nodes);
  }

  formed(): FormedCluster {
    const { nodes, placement, version } = this.#options;
    return {
      placement,
      routes: this.#routes(),
      roles: async (signal) => {
        const roles = await this.#roles();
        signal.throwIfAborted();
        return roles;
      },
      manager: new PatroniManager(this.rest, nodes),
      comeBack: (node, returning) => this.#comeBack(node, returning),
      ...(version === undefined ? {} : { version }),
      ...copiesOn(nodes),
    };
  }

  /**
   * Waits until Patroni and the servers agree: one leader, every other member streams on its timeline, and a synchronous
   * standby is published if the settings ask for one.
   * @throws EnvironmentError after `limitMs` with what is missing; the signal's reason.
   */
  async untilSteady(limitMs: number, signal?: AbortSignal): Promise<void> {
    const { nodes, spec } = this.#options;
    const missing = await until({ limitMs, everyMs: LOOK_AGAIN_MS, signal }, () =>
      this.#look().then(
        ({ members, roles }) =>
          unsteady(members, roles, { members: nodes.length, synchronous: spec.settings.synchronousMode }),
        errorText,
      ),
    );
    if (missing === undefined) return;
    throw new EnvironmentError(`the cluster is not steady after ${limitMs / 1_000} s: ${missing}`, {
      code: 'not-steady',
      hint: 'the logs of its members may say why',
    });
  }

  /**
   * Waits until clients can connect by every route: HAProxy checks for the leader every few seconds.
   * @throws EnvironmentError after `limitMs`, naming the route; the signal's reason.
   */
  async untilReached(limitMs: number, signal: AbortSignal): Promise<void> {
    const giveUpAt = performance.now() + limitMs;
    for (const route of Object.values(this.#routes())) {
      const left = { limitMs: giveUpAt - performance.now(), everyMs: LOOK_AGAIN_MS, signal };
      const refusal = await until(left, () => refusalBy(route));
      if (refusal === undefined) continue;
      throw new EnvironmentError(`clients cannot connect by the route ${route.name}: ${refusal}`, {
        code: 'route-not-ready',
        hint: 'the logs of its nodes may say why',
      });
    }
  }

  async #look(): Promise<{ members: readonly Member[]; roles: Roles }> {
    const [members, roles] = await Promise.all([this.rest.members(), this.#roles()]);
    return { members, roles };
  }

  async #roles(): Promise<Roles> {
    return rolesFrom(await this.#observer.answers());
  }

  /** Patroni rewinds a node as soon as it can, so pgquake reads what the node alone has while the node is still struck. */
  async #comeBack(node: NodeControl, { undo, beforeErased }: Returning): Promise<string> {
    const timeline = node.health ? undefined : await this.#leftTimeline(node).catch(() => undefined);
    if (timeline !== undefined) await beforeErased(node, timeline);
    const words = await undo();
    const missing = await until({ limitMs: REJOIN_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, () =>
      this.#notBack(node).catch(errorText),
    );
    if (missing === undefined) return words;
    throw new EnvironmentError(`${node.name} is not back ${REJOIN_LIMIT_MS / 1_000} s after its undo: ${missing}`, {
      code: 'not-rejoined',
    });
  }

  /** @returns the timeline of a node that answers and has not followed its leader to a newer one. */
  async #leftTimeline(node: NodeControl): Promise<number | undefined> {
    const [{ state }, members] = await Promise.all([askNode(node), this.rest.members()]);
    const leader = members.find(({ role }) => role === 'leader');
    if (!state || leader?.timeline === undefined || leader.name === node.name) return undefined;
    return state.timeline < leader.timeline ? state.timeline : undefined;
  }

  /** @returns why a node is not back; `undefined` if it is. */
  async #notBack(node: NodeControl): Promise<string | undefined> {
    if (node.health) return await refusalOf(node);
    const { members, roles } = await this.#look();
    const leader = members.find(({ role }) => role === 'leader');
    const seen = roles[node.name];
    // Patroni restarts a dead leader as a standby and promotes it if it still holds the leader key.
    if (leader?.name === node.name)
      return seen?.role === 'primary' ? undefined : 'it leads but does not take writes yet';
    if (seen?.state !== 'streaming') return `it does not stream (${seen?.state ?? 'no answer'})`;
    if (seen.timeline !== leader?.timeline)
      return `it is on timeline ${seen.timeline}, the leader on ${leader?.timeline}`;
    return undefined;
  }

  #routes(): Readonly<Record<string, Route>> {
    const { nodes, spec } = this.#options;
    const [proxy, pooler] = [HAPROXY, PGBOUNCER].map((name) => this.#options.beside.find((one) => one.name === name));
    return {
      direct: directRoute('direct', nodes, 'read-write'),
      standby: directRoute('standby', nodes, 'standby'),
      ...(proxy && spec.proxy
        ? {
            proxy: throughRoute('proxy', 'write', proxy),
            'proxy-standby': throughRoute('proxy-standby', 'read', proxy, STANDBY_PORT),
          }
        : {}),
      ...(pooler && spec.pooler ? { pooler: throughRoute('pooler', 'write', pooler) } : {}),
    };
  }
}

/** @returns why a client cannot use a route; `undefined` if it can. */
async function refusalBy(route: Route): Promise<string | undefined> {
  try {
    await using session = await openSession(route, 'form', { limitMs: ROUTE_MS });
    await session.query('SELECT 1', [], { timeoutMs: ROUTE_MS });
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

/** A route through a proxy or pooler, at its first port unless `port` is given. */
function throughRoute(name: string, access: Route['access'], node: NodeControl, port?: number): Route {
  return {
    name,
    access,
    addresses: async () => {
      await node.locate?.();
      return [port === undefined || !node.addressAt ? node.address() : node.addressAt(port)];
    },
  };
}

/** @returns what keeps a cluster from being steady; `undefined` if it is. Pure. */
export function unsteady(
  members: readonly Member[],
  roles: Roles,
  wanted: { readonly members: number; readonly synchronous: boolean },
): string | undefined {
  const leaders = members.filter(({ role }) => role === 'leader');
  const [leader] = leaders;
  if (!leader || leaders.length > 1) return `Patroni has ${leaders.length} leaders`;
  if (members.length < wanted.members) return `${members.length} of ${wanted.members} members have joined`;
  if (roles[leader.name]?.role !== 'primary') return `${leader.name} leads but does not take writes yet`;
  for (const { name, state, timeline } of members) {
    if (name === leader.name) continue;
    const seen = roles[name];
    if (seen?.state !== 'streaming')
      return `${name} does not stream (${seen?.state ?? 'no answer'}; Patroni: ${state})`;
    if (timeline !== leader.timeline) return `${name} is on timeline ${timeline}, ${leader.name} on ${leader.timeline}`;
  }
  if (wanted.synchronous && !members.some(({ role }) => role === 'sync-standby'))
    return 'no synchronous standby is published';
  return undefined;
}
