/** What every member does now, as each of them says itself. */

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

/** For one node to answer: long enough for a busy machine, short enough for whoever waits for all of them. */
const ANSWER_LIMIT_MS = 1_000;
const ASK_AGAIN_MS = 100;

/** What one node answered; `refusal` where it did not. */
export interface Answer {
  readonly name: NodeName;
  readonly state?: SeenState;
  /** Standbys that it streams to, with whether commits wait for them; of a primary. */
  readonly standbys?: ReadonlyMap<NodeName, string>;
  readonly refusal?: string;
}

/** For a node that did not answer the last time. */
const SILENT_LIMIT_MS = 100;

/**
 * Asks the same nodes again and again. Whoever asks waits for a node that has fallen silent once, and not each time: a dead
 * primary must not delay that its successor is seen.
 */
export class Observer {
  readonly #nodes: readonly NodeControl[];
  readonly #ask: typeof askNode;
  /** What those said last that did not answer. */
  readonly #silent = new Map<NodeName, Answer>();
  /** Of those, the question that is under way. */
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

/** Asks all of them, side by side. */
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

/** A standby that is too busy to answer at once is one all the same: whom nobody tells waits for its slot for ever. */
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
 * Whether a standby has more of the old timeline than the primary had when it was promoted. It connects, again and
 * again, and streams for a moment each time: up to where the timelines part, from where it cannot follow.
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

/** The roles that these answers come to. Pure. */
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
