/**
 * A formed cluster of one primary and its standbys: who is what, how a standby takes over, and how a node comes back.
 * All that changes roles goes one after the other.
 */

import type { FormedCluster, Returning } from '../../cluster/engine.ts';
import { untilServes } from '../../cluster/health.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import { directRoute } from '../../cluster/route.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName, PlacementMap } from '../../model/topology.ts';
import { pause } from '../../model/until.ts';
import { quoteTable } from '../../sql/quote.ts';
import type { Session } from '../../sql/session.ts';
import { ByHand, noManager } from './by-hand.ts';
import {
  type CommonSettings,
  copyAnew,
  dataOf,
  FOLLOW_LIMIT_MS,
  READY_LIMIT_MS,
  rewindOrCopy,
  standbyFiles,
  untilStreaming,
  upstream,
} from './copies.ts';
import { answersAsStandby, askAll, askNode, isAhead, isPrimary, Observer, rolesFrom, timelineOf } from './observe.ts';
import type { StreamingSpec } from './spec.ts';
import { alterSystem, ask, connectTo, dropSlots, IS_STANDBY, makeSlot } from './sql.ts';

const PROMOTE_LIMIT_S = 30;

export interface StreamingOptions {
  readonly nodes: readonly NodeControl[];
  readonly placement: PlacementMap;
  readonly spec: StreamingSpec;
  readonly common: CommonSettings;
  /** The primary that it was formed with. */
  readonly primary: NodeControl;
}

export class StreamingCluster {
  readonly #options: StreamingOptions;
  /** The primary as pgquake knows it: the last one that it made one. */
  #primary: NodeControl;
  /** Nodes that have taken writes, and were not made anew from a copy since. */
  readonly #hasWritten: Set<NodeName>;
  #changing: Promise<unknown> = Promise.resolve();
  #changes = 0;
  readonly #restarts = new Map<NodeName, number>();

  constructor(options: StreamingOptions) {
    this.#options = options;
    this.#primary = options.primary;
    this.#hasWritten = new Set([options.primary.name]);
  }

  get primary(): NodeControl {
    return this.#primary;
  }

  get nodes(): readonly NodeControl[] {
    return this.#options.nodes;
  }

  get spec(): StreamingSpec {
    return this.#options.spec;
  }

  formed(): FormedCluster {
    const { nodes, placement, spec } = this.#options;
    const copiesOf = (relation: string) => nodes.map(({ name }) => ({ partition: 0, node: name, relation }));
    const observer = new Observer(nodes);
    return {
      placement,
      routes: {
        direct: directRoute('direct', nodes, 'read-write'),
        standby: directRoute('standby', nodes, 'standby'),
      },
      roles: async (signal) => {
        const answers = await observer.answers();
        signal.throwIfAborted();
        return rolesFrom(answers);
      },
      manager: spec.manager === 'by-hand' ? new ByHand(this) : noManager(this),
      comeBack: (node, returning) => this.comeBack(node, returning),
      restarts: (node) => this.#restarts.get(node) ?? 0,
      placementSources: (table) => copiesOf(quoteTable(table)),
      copiesOf,
    };
  }

  /** Nothing else changes roles meanwhile. */
  exclusively<T>(change: () => Promise<T>): Promise<T> {
    this.#changes++;
    const changed = this.#changing.then(change).finally(() => {
      this.#changes--;
    });
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  /** A change of roles is under way, by pgquake itself. */
  get changing(): boolean {
    return this.#changes > 0;
  }

  /**
   * Makes a standby a primary, whatever the one before does, and lets the others follow it.
   * @param promoted hears when it takes writes; the others do not follow it yet.
   * @throws EnvironmentError where it is no standby, or does not take writes in time.
   */
  async promote(node: NodeControl, promoted: () => void = () => undefined): Promise<void> {
    await using session = await connectTo(node);
    const [before] = await ask(session, IS_STANDBY);
    if (before?.[0] !== true) throw new EnvironmentError(`${node.name} is no standby`, { code: 'not-a-standby' });
    const [done] = await ask(session, 'SELECT pg_promote(true, $1)', [PROMOTE_LIMIT_S], (PROMOTE_LIMIT_S + 1) * 1_000);
    if (done?.[0] !== true) {
      throw new EnvironmentError(`${node.name} does not take writes ${PROMOTE_LIMIT_S} s after it was promoted`, {
        code: 'not-promoted',
      });
    }
    this.#primary = node;
    this.#hasWritten.add(node.name);
    promoted();
    const follow = async (other: NodeControl) => {
      if (await answersAsStandby(other, FOLLOW_LIMIT_MS)) await this.#follow(other, node);
    };
    await Promise.all(this.nodes.filter((other) => other !== node).map(follow));
  }

  /** Lets a running standby follow a primary; where it cannot (it is ahead, or of another history), from a new copy. */
  async #follow(node: NodeControl, primary: NodeControl): Promise<void> {
    await using session = await connectTo(primary);
    await makeSlot(session, node.name);
    {
      await using own = await connectTo(node);
      await alterSystem(own, upstream(node.name, primary));
    }
    try {
      await untilStreaming(session, primary.name, [node.name], { limitMs: FOLLOW_LIMIT_MS });
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error;
      await this.#renew(node, primary);
      return;
    }
    if (await isAhead(node, session)) await this.#renew(node, primary);
  }

  /** What stops a node and starts it again: the run is not to take it for the act of somebody else. */
  async #restarting<T>({ name }: NodeControl, work: () => Promise<T>): Promise<T> {
    const count = () => this.#restarts.set(name, (this.#restarts.get(name) ?? 0) + 1);
    count();
    try {
      return await work();
    } finally {
      count();
    }
  }

  /** Gives a node the history of the primary. @returns how, in words. */
  async #renew(node: NodeControl, primary: NodeControl, how = copyAnew): Promise<string> {
    const words = await this.#restarting(node, () => how(node, primary, this.#options.common));
    this.#hasWritten.delete(node.name);
    return words;
  }

  /** See `FormedCluster.comeBack`. */
  comeBack(node: NodeControl, returning: Returning): Promise<string> {
    return this.exclusively(async () => {
      const primary = this.#primary;
      if (node !== primary) return this.#returnTo(primary, node, returning);
      const proof = await returning.undo();
      const others = await askAll(this.nodes.filter((other) => other !== node));
      for (const { name } of others.filter(
        (other) => other.state?.standby === false || other.state?.streams === false,
      )) {
        const undo = async () => name;
        await this.#returnTo(node, this.#node(name), { ...returning, undo });
      }
      return proof;
    });
  }

  async #returnTo(primary: NodeControl, node: NodeControl, returning: Returning): Promise<string> {
    if (this.#hasWritten.has(node.name)) return this.#returnOldPrimary(node, primary, returning);
    const proof = await returning.undo();
    await untilServes(node, READY_LIMIT_MS);
    if (!(await isPrimary(primary))) return proof;
    await using session = await connectTo(primary);
    try {
      await untilStreaming(session, primary.name, [node.name], { limitMs: FOLLOW_LIMIT_MS });
      if (await isAhead(node, session)) await this.#renew(node, primary);
    } catch {
      await this.#follow(node, primary);
    }
    return `${proof}, streams from ${primary.name}`;
  }

  /** What it alone has is read before it gets the data of the new primary. */
  async #returnOldPrimary(node: NodeControl, primary: NodeControl, returning: Returning): Promise<string> {
    const data = dataOf(node);
    const { common, spec } = this.#options;
    const asStandby = () => data.write(standbyFiles(node.name, undefined, common));
    let proof: string;
    if ((await node.state()) === 'stopped') {
      // Were it started as it is, it would take writes at once.
      await asStandby();
      proof = await returning.undo();
    } else {
      proof = await returning.undo();
      // Until somebody notices that there are two of them: as long as he takes to notice that there is none.
      await pause(spec.promoteAfterMs);
      await this.#restarting(node, async () => {
        await node.stop();
        await asStandby();
        await node.start();
      });
    }
    await untilServes(node, READY_LIMIT_MS);
    // It waits as a standby without a primary, until that one is back.
    if (!(await isPrimary(primary))) return proof;
    await returning.beforeErased(node, await timelineOf(node));
    const how = await this.#renew(node, primary, rewindOrCopy);
    return `${await node.describeState()}, streams from ${primary.name} with ${how}`;
  }

  /** See `Manager.switchover`. */
  switchover(to: NodeName | undefined): Promise<NodeName> {
    return this.exclusively(async () => {
      const from = this.#primary;
      const answer = await askNode(from);
      if (answer.state?.standby !== false) {
        const why = answer.refusal ? `: ${answer.refusal}` : '';
        throw new EnvironmentError(`${from.name} does not answer as a primary${why}`, { code: 'no-primary' });
      }
      const streaming = this.nodes.filter(({ name }) => answer.standbys?.has(name));
      const next = to === undefined ? streaming[0] : streaming.find(({ name }) => name === to);
      if (!next) {
        throw new EnvironmentError(
          to === undefined ? `no standby streams from ${from.name}` : `${to} does not stream from ${from.name}`,
          { code: 'no-successor' },
        );
      }
      await using session = await this.#restarting(from, () => this.#handOver(from, next));
      try {
        await untilStreaming(session, next.name, [from.name], { limitMs: FOLLOW_LIMIT_MS });
      } catch (error) {
        throw new EnvironmentError(`${from.name} does not follow ${next.name}: ${errorText(error)}`, {
          code: 'not-following',
          cause: error,
        });
      }
      this.#hasWritten.delete(from.name);
      return next.name;
    });
  }

  /** @returns a session on the new primary. */
  async #handOver(from: NodeControl, next: NodeControl): Promise<Session> {
    // Once it has shut down in order, every standby that streams has all of its log.
    await from.stop();
    await this.promote(next);
    await dataOf(from).write(standbyFiles(from.name, next, this.#options.common));
    const session = await connectTo(next);
    await makeSlot(session, from.name);
    await from.start();
    await untilServes(from, READY_LIMIT_MS);
    await using old = await connectTo(from);
    await dropSlots(old);
    return session;
  }

  #node(name: NodeName): NodeControl {
    return this.nodes.find((node) => node.name === name) as NodeControl;
  }
}
