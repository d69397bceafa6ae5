/** `connections-exhaust`: all free connections of the node are taken and kept. */

import { z } from 'zod';
import { sqlRefusal } from '../cluster/health.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { formatCount } from '../model/units.ts';
import { pause, until } from '../model/until.ts';
import type { Session } from '../sql/session.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { endMarked, openMarked, undoByEnding } from './own-sessions.ts';

const TOO_MANY_CONNECTIONS = '53300';
/** Opened at once: the server starts a process for each. */
const BATCH = 16;
/** Freed connections are taken again this soon. */
const REFILL_MS = 50;
/** More connections than any sane server allows: ends the loop if the server never refuses. */
const MAX_HELD = 10_000;

/** Under load a client may just have freed a connection that is not taken yet. */
const REFUSED_LIMIT_MS = 2_000;

/** @returns the last refusal of a new connection; `undefined` if it was accepted. */
async function untilRefused(node: NodeControl): Promise<string | undefined> {
  let refusal: string | undefined;
  await until({ limitMs: REFUSED_LIMIT_MS, everyMs: REFILL_MS }, async () => {
    refusal = await sqlRefusal(node);
    return refusal === TOO_MANY_CONNECTIONS ? undefined : 'another answer';
  });
  return refusal;
}

/** All free connections of one node, including those freed later. */
class Occupation implements AsyncDisposable {
  readonly #node: NodeControl;
  readonly #mark: string;
  #sessions: Session[] = [];
  #over = false;
  #refilling: Promise<void> = Promise.resolve();

  constructor(node: NodeControl, mark: string) {
    this.#node = node;
    this.#mark = mark;
  }

  get size(): number {
    return this.#sessions.filter((session) => session.usable).length;
  }

  /** Takes connections until the server refuses for want of more. */
  async fill(): Promise<void> {
    while (!this.#over && this.#sessions.length < MAX_HELD) {
      const opening = Array.from({ length: BATCH }, () => openMarked(this.#node, this.#mark));
      let full = false;
      for (const outcome of await Promise.allSettled(opening)) {
        if (outcome.status === 'fulfilled') this.#sessions.push(outcome.value);
        else if ((outcome.reason as { code?: unknown }).code === TOO_MANY_CONNECTIONS) full = true;
        else throw outcome.reason;
      }
      if (full) return;
    }
  }

  /** Keeps taking freed connections until disposal. */
  refill(): void {
    this.#refilling = (async () => {
      while (!this.#over) {
        await pause(REFILL_MS);
        this.#sessions = this.#sessions.filter((session) => session.usable);
        await this.#takeOne();
      }
    })();
  }

  async #takeOne(): Promise<void> {
    try {
      this.#sessions.push(await openMarked(this.#node, this.#mark));
    } catch {
      // Refused as intended, or the node is down for another reason.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#refilling;
    for (const session of this.#sessions) session.discard();
  }
}

export const connectionsExhaust = defineFault<Record<string, never>, readonly Occupation[]>({
  name: 'connections-exhaust',
  summary: 'Takes and keeps all free connections of a node, so that new clients are refused.',
  docs: {
    note: 'Connections reserved for superusers are taken too. Existing sessions continue.',
    proof: 'a new connection is refused with SQLSTATE 53300.',
    undo: 'the sessions are ended. Healed when none is left.',
    example: ['faults:', '  - { fault: connections-exhaust, target: worker1, for: 5s }'],
  },
  state: 'no connections left',
  params: z.strictObject({}),
  needs: [],

  async inject(targets, _params, { defer, hold, mark }) {
    return await Promise.all(
      targets.map(async (node) => {
        await defer(undoByEnding(node));
        const occupation = hold(new Occupation(node, mark));
        await occupation.fill();
        occupation.refill();
        return occupation;
      }),
    );
  },

  prove(targets, _params, occupations) {
    return proveEach(targets, async (node, i) => {
      const refusal = await untilRefused(node);
      if (refusal !== TOO_MANY_CONNECTIONS) {
        throw withoutEffect(node, `a new connection is ${refusal ? `refused with ${refusal}` : 'accepted'}`);
      }
      const held = formatCount((occupations[i] as Occupation).size, 'connection');
      return `${held} held, a new one is refused (${TOO_MANY_CONNECTIONS})`;
    });
  },

  undo: endMarked,
});
