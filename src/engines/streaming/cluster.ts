/**
 * A formed cluster of one primary and its standbys: roles, takeover by a standby, and the return of a node. Changes of
 * roles run one after the other.
 */

import type { FormedCluster, Returning } from '../../cluster/engine.ts';
import { untilServes } from '../../cluster/health.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import { directRoute } from '../../cluster/route.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName, PlacementMap } from '../../model/topology.ts';
import { pause } from '../../model/until.ts';
import type { Session } from '../../sql/session.ts';
import { copiesOn } from '../members.ts';
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

interface StreamingOptions {
  readonly nodes: readonly NodeControl[];
  readonly placement: PlacementMap;
  readonly spec: StreamingSpec;
  readonly common: CommonSettings;
  /** The primary with which the cluster was formed. */
  readonly primary: NodeControl;
}

export class StreamingCluster {
  readonly #options: StreamingOptions;
  /** The node that pgquake made primary last. */
  #primary: NodeControl;
  /** Nodes that have taken writes since their last copy from a primary. */
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
      ...copiesOn(nodes),
    };
  }

  /** Runs a change of roles when no other is running. */
  exclusively<T>(change: () => Promise<T>): Promise<T> {
    this.#changes++;
    const changed = this.#changing.then(change).finally(() => {
      this.#changes--;
    });
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  /** Whether pgquake is changing roles. */
  get changing(): boolean {
    return this.#changes > 0;
  }

  /**
   * Promotes a standby, whatever the old primary does, and lets the others follow it.
   * @param promoted called when the node takes writes, before the others follow.
   * @throws EnvironmentError if the node is not a standby, or does not take writes in time.
   */
  async promote(node: NodeControl, promoted: () => void = () => undefined): Promise<void> {
    await using session = await connectTo(node);
    const [before] = await ask(session, IS_STANDBY);
    if (before?.[0] !== true) throw new EnvironmentError(`${node.name} is not a standby`, { code: 'not-a-standby' });
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

  /** Lets a running standby follow a primary; copies its data anew if it is ahead or has another history. */
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

  /** Counts the restart, so that the run does not take it for an outside act. */
  async #restarting<T>({ name }: NodeControl, work: () => Promise<T>): Promise<T> {
    const count = () => this.#restarts.set(name, (this.#restarts.get(name) ?? 0) + 1);
    count();
    try {
      return await work();
    } finally {
      count();
    }
  }

  /** Replaces a node's history by the primary's. @returns how, in words. */
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

  /** The writes that only the old primary has are read before it gets the new primary's data. */
  async #returnOldPrimary(node: NodeControl, primary: NodeControl, returning: Returning): Promise<string> {
    const data = dataOf(node);
    const { common, spec } = this.#options;
    const asStandby = () => data.write(standbyFiles(node.name, undefined, common));
    let proof: string;
    if ((await node.state()) === 'stopped') {
      // Without this it would take writes as soon as it starts.
      await asStandby();
      proof = await returning.undo();
    } else {
      proof = await returning.undo();
      // An operator notices two primaries as late as a missing one.
      await pause(spec.promoteAfterMs);
      await this.#restarting(node, async () => {
        await node.stop();
        await asStandby();
        await node.start();
      });
    }
    await untilServes(node, READY_LIMIT_MS);
    // Without a primary, the node stays a waiting standby.
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
    // After an orderly shutdown, every streaming standby has the whole log.
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
