/** The current state of every member, as it reports it. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeControl } from '../../cluster/platform.ts';
import { errorText } from '../../model/errors.ts';
import type { Roles, SeenRole } from '../../model/roles.ts';
import type { NodeName } from '../../model/topology.ts';
import { until } from '../../model/until.ts';
import type { Session } from '../../sql/session.ts';
import {
  ask,
  connectTo,
  lsnValue,
  READ_STANDBYS,
  READ_STATE,
  READ_TIMELINE,
  type SeenState,
  stateFrom,
} from './sql.ts';

/** Time for a node to answer: long enough for a busy machine, short enough for a caller that asks all nodes. */
const ANSWER_LIMIT_MS = 1_000;
const ASK_AGAIN_MS = 100;

/** A node's answer, or `refusal`: why there is none. */
export interface Answer {
  readonly name: NodeName;
  readonly state?: SeenState;
  /** On a primary: the standbys that it streams to, with their `sync_state`. */
  readonly standbys?: ReadonlyMap<NodeName, string>;
  readonly refusal?: string;
}

/** Time for a node that did not answer last time. */
const SILENT_LIMIT_MS = 100;

/**
 * Asks the same nodes repeatedly. The caller waits the full time for a silent node only once, so that a dead primary does
 * not delay the discovery of its successor.
 */
export class Observer {
  readonly #nodes: readonly NodeControl[];
  readonly #ask: typeof askNode;
  /** The last answers of silent nodes. */
  readonly #silent = new Map<NodeName, Answer>();
  /** Questions to silent nodes that are still open. */
  readonly #asked = new Map<NodeName, Promise<Answer>>();

  constructor(nodes: readonly NodeControl[], ask: typeof askNode = askNode) {
    this.#nodes = nodes;
    this.#ask = ask;
  }

  answers(): Promise<Answer[]> {
    return Promise.all(
      this.#nodes.map((node) => {
        const before = this.#silent.get(node.name);
        if (!before) return this.#begin(node);
        const asked = this.#asked.get(node.name) ?? this.#begin(node);
        this.#asked.set(node.name, asked);
        return Promise.race([asked, sleep(SILENT_LIMIT_MS, before, { ref: false })]);
      }),
    );
  }

  async #begin(node: NodeControl): Promise<Answer> {
    const answer = await this.#ask(node);
    this.#asked.delete(node.name);
    if (answer.state) this.#silent.delete(node.name);
    else this.#silent.set(node.name, answer);
    return answer;
  }
}

/** Asks all nodes at the same time. */
export function askAll(nodes: readonly NodeControl[]): Promise<Answer[]> {
  return Promise.all(nodes.map(askNode));
}

export async function askNode(node: NodeControl): Promise<Answer> {
  const { name } = node;
  try {
    await using session = await connectTo(node, ANSWER_LIMIT_MS);
    const [row] = await ask(session, READ_STATE, [], ANSWER_LIMIT_MS);
    const state = stateFrom(row);
    if (state.standby) return { name, state };
    const rows = await ask(session, READ_STANDBYS, [], ANSWER_LIMIT_MS);
    return { name, state, standbys: new Map(rows.map(([standby, sync]) => [String(standby), String(sync)])) };
  } catch (error) {
    const { code } = error as { code?: unknown };
    return { name, refusal: typeof code === 'string' ? code : errorText(error) };
  }
}

/** Keeps asking until the limit: a busy standby that is left out would wait for its slot for ever. */
export async function answersAsStandby(node: NodeControl, limitMs: number): Promise<boolean> {
  let standby = false;
  await until({ limitMs, everyMs: ASK_AGAIN_MS }, async () => {
    const { state } = await askNode(node);
    standby = state?.standby === true;
    return state || (await node.state()) !== 'running' ? undefined : 'an answer';
  });
  return standby;
}

export async function isPrimary(node: NodeControl): Promise<boolean> {
  return (await askNode(node)).state?.standby === false;
}

/**
 * Whether a standby has more of the old timeline than the primary had when it was promoted. Such a standby reconnects
 * repeatedly and streams for a moment each time, but cannot follow past the point where the timelines part.
 */
export async function isAhead(node: NodeControl, primary: Session): Promise<boolean> {
  const { state } = await askNode(node);
  const [row] = await ask(primary, `SELECT pg_last_wal_replay_lsn()::text, (${READ_TIMELINE})`);
  const [parted, timeline] = row ?? [];
  if (!state || typeof parted !== 'string') return false;
  return state.timeline < Number(timeline) && lsnValue(state.lsn) > lsnValue(parted);
}

export async function timelineOf(node: NodeControl): Promise<number> {
  await using session = await connectTo(node);
  const [row] = await ask(session, READ_TIMELINE);
  return Number(row?.[0]);
}

/** Derives roles from answers. Pure. */
export function rolesFrom(answers: readonly Answer[]): Roles {
  const synchronous = new Set(
    answers.flatMap(({ standbys = new Map<NodeName, string>() }) =>
      [...standbys].filter(([, sync]) => sync === 'sync' || sync === 'quorum').map(([standby]) => standby),
    ),
  );
  return Object.fromEntries(answers.map((answer) => [answer.name, roleFrom(answer, synchronous)]));
}

function roleFrom({ name, state, refusal }: Answer, synchronous: ReadonlySet<NodeName>): SeenRole {
  if (!state) return { role: 'unknown', state: refusal ?? 'no answer' };
  const { standby, timeline, lsn: receivedLsn, streams } = state;
  if (!standby) return { role: 'primary', timeline, receivedLsn };
  const role = streams && synchronous.has(name) ? 'sync-standby' : 'standby';
  return { role, timeline, receivedLsn, state: streams ? 'streaming' : 'not streaming' };
}
