/** Patroni's REST API: what any member that answers says of all of them, and what it is asked to do. */

import { z } from 'zod';
import type { NodeControl } from '../../cluster/platform.ts';
import { hostPort } from '../../model/address.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { REST_PORT, REST_USER } from './programs.ts';

/** Long enough for a busy machine, short enough to go on with the next member. */
const ANSWER_LIMIT_MS = 2_000;

/** One member, as the DCS has it. */
export interface Member {
  readonly name: NodeName;
  readonly role: 'leader' | 'standby' | 'sync-standby' | 'other';
  /** In Patroni's words: `running`, `streaming`, `stopped`, `start failed`. */
  readonly state: string;
  readonly timeline?: number;
  readonly lagBytes?: number;
}

/** Roles have had other names: `master` is of 3, `quorum_standby` of 4. */
const ROLES: Readonly<Record<string, Member['role']>> = {
  leader: 'leader',
  standby_leader: 'other',
  replica: 'standby',
  sync_standby: 'sync-standby',
  quorum_standby: 'sync-standby',
};

const clusterSchema = z.object({
  members: z.array(
    z.object({
      name: z.string(),
      role: z.string(),
      state: z.string().default('unknown'),
      timeline: z.number().optional(),
      lag: z.union([z.number(), z.string()]).optional(),
    }),
  ),
});

const statusSchema = z.object({
  state: z.string(),
  role: z.string(),
  timeline: z.number().optional(),
  patroni: z.object({ version: z.string() }).optional(),
  pause: z.boolean().default(false),
});

export type Status = z.output<typeof statusSchema>;

/** What it takes to ask a member. */
export type RestNode = Pick<NodeControl, 'name' | 'addressAt'>;

export class Rest {
  readonly #nodes: readonly RestNode[];
  readonly #nameOf: (member: string) => NodeName;
  /** Who answered last is asked first. */
  #last = 0;

  /** @param nameOf which node a member is, by Patroni's name for it; the node of that name by default. */
  constructor(nodes: readonly RestNode[], nameOf: (member: string) => NodeName = (member) => member) {
    this.#nodes = nodes;
    this.#nameOf = nameOf;
  }

  /**
   * All members, as the DCS has them now.
   * @throws EnvironmentError where no member answers, with what each of them said.
   */
  async members(limitMs = ANSWER_LIMIT_MS): Promise<readonly Member[]> {
    const { members } = await this.#anyOf('/cluster', clusterSchema, limitMs);
    return members.map(({ name, role, state, timeline, lag }) => ({
      name: this.#nameOf(name),
      role: ROLES[role] ?? 'other',
      state,
      ...(timeline === undefined ? {} : { timeline }),
      ...(typeof lag === 'number' ? { lagBytes: lag } : {}),
    }));
  }

  /** The settings that hold for all of them, in Patroni's names. */
  async settings(): Promise<Readonly<Record<string, unknown>>> {
    return this.#anyOf('/config', z.looseObject({}), ANSWER_LIMIT_MS);
  }

  /** What one member says of itself. @throws where it does not answer. */
  async status(node: RestNode, limitMs = ANSWER_LIMIT_MS): Promise<Status> {
    // Its status code says whether it runs; its body says what it is either way.
    return statusSchema.parse(await json(await ask(node, '/patroni', { limitMs })));
  }

  /**
   * Asks for something that changes the cluster.
   * @throws EnvironmentError with Patroni's own words where it is refused.
   */
  async change(path: string, body: object, limitMs: number, method: 'POST' | 'PATCH' = 'POST'): Promise<void> {
    const [node] = await this.#answering();
    const answer = await ask(node, path, { limitMs, body, method });
    const words = (await answer.text()).trim();
    if (!answer.ok) {
      throw new EnvironmentError(
        `Patroni on ${node.name} refuses ${path.slice(1)}: ${words} (HTTP status ${answer.status})`,
        {
          code: 'manager-refused',
        },
      );
    }
  }

  async #answering(): Promise<[RestNode]> {
    const reasons: string[] = [];
    for (const { node } of this.#inTurn()) {
      try {
        await this.status(node);
        return [node];
      } catch (error) {
        reasons.push(`${node.name}: ${reason(error)}`);
      }
    }
    throw silent(reasons);
  }

  async #anyOf<T>(path: string, schema: z.ZodType<T>, limitMs: number): Promise<T> {
    const reasons: string[] = [];
    for (const { node, index } of this.#inTurn()) {
      try {
        const answer = await ask(node, path, { limitMs });
        if (!answer.ok) throw new Error(`HTTP status ${answer.status}`);
        const found = schema.parse(await json(answer));
        this.#last = index;
        return found;
      } catch (error) {
        reasons.push(`${node.name}: ${reason(error)}`);
      }
    }
    throw silent(reasons);
  }

  #inTurn(): { readonly node: RestNode; readonly index: number }[] {
    const all = this.#nodes.map((node, index) => ({ node, index }));
    return [...all.slice(this.#last), ...all.slice(0, this.#last)];
  }
}

interface Request {
  readonly limitMs: number;
  /** Makes it a change, which takes the password. */
  readonly body?: object;
  /** Of a change; `POST` by default. */
  readonly method?: 'POST' | 'PATCH';
}

function ask(node: RestNode, path: string, { limitMs, body, method = 'POST' }: Request): Promise<Response> {
  if (!node.addressAt) throw new Error(`${node.name} has no other port`);
  const { host, port, password } = node.addressAt(REST_PORT);
  return fetch(`http://${hostPort({ host, port })}${path}`, {
    signal: AbortSignal.timeout(limitMs),
    ...(body === undefined
      ? {}
      : {
          method,
          body: JSON.stringify(body),
          headers: {
            'Content-Type': 'application/json',
            Authorization: `Basic ${Buffer.from(`${REST_USER}:${password}`).toString('base64')}`,
          },
        }),
  });
}

async function json(answer: Response): Promise<unknown> {
  return answer.json();
}

function reason(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : errorText(error);
}

function silent(reasons: readonly string[]): EnvironmentError {
  return new EnvironmentError(`no Patroni answers: ${reasons.join('; ')}`, { code: 'manager-silent' });
}
