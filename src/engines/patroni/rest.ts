/** Patroni's REST API: any member that answers reports on all members and takes requests for changes. */

import { z } from 'zod';
import type { NodeControl } from '../../cluster/platform.ts';
import { hostPort } from '../../model/address.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { REST_PORT, REST_USER } from './programs.ts';

/** Long enough for a busy machine, short enough before asking the next member. */
const ANSWER_LIMIT_MS = 2_000;

/** One member, according to the DCS. */
export interface Member {
  readonly name: NodeName;
  readonly role: 'leader' | 'standby' | 'sync-standby' | 'other';
  /** In Patroni's words: `running`, `streaming`, `stopped`, `start failed`. */
  readonly state: string;
  readonly timeline?: number;
  readonly lagBytes?: number;
}

/** Patroni's names for roles; `quorum_standby` came with Patroni 4. */
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

/** A node whose member can be asked. */
export type RestNode = Pick<NodeControl, 'name' | 'addressAt'>;

export class Rest {
  readonly #nodes: readonly RestNode[];
  readonly #nameOf: (member: string) => NodeName;
  /** Index of the member that answered last; it is asked first. */
  #last = 0;

  /** @param nameOf maps Patroni's name of a member to its node; the same name by default. */
  constructor(nodes: readonly RestNode[], nameOf: (member: string) => NodeName = (member) => member) {
    this.#nodes = nodes;
    this.#nameOf = nameOf;
  }

  /**
   * @returns all members, as the DCS lists them now.
   * @throws EnvironmentError if no member answers, with each member's reason.
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

  /** The dynamic configuration of the cluster, in Patroni's names. */
  async settings(): Promise<Readonly<Record<string, unknown>>> {
    return this.#anyOf('/config', z.looseObject({}), ANSWER_LIMIT_MS);
  }

  /** What one member reports about itself. @throws if it does not answer. */
  async status(node: RestNode, limitMs = ANSWER_LIMIT_MS): Promise<Status> {
    // The status code only says whether the server runs; the body has the details in either case.
    return statusSchema.parse(await (await ask(node, '/patroni', { limitMs })).json());
  }

  /**
   * Requests a change of the cluster.
   * @throws EnvironmentError with Patroni's own words if Patroni refuses.
   */
  async change(path: string, body: object, limitMs: number, method: 'POST' | 'PATCH' = 'POST'): Promise<void> {
    const node = await this.#first(async (one) => {
      await this.status(one);
      return one;
    });
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

  async #anyOf<T>(path: string, schema: z.ZodType<T>, limitMs: number): Promise<T> {
    return this.#first(async (node, index) => {
      const answer = await ask(node, path, { limitMs });
      if (!answer.ok) throw new Error(`HTTP status ${answer.status}`);
      const found = schema.parse(await answer.json());
      this.#last = index;
      return found;
    });
  }

  /** @returns what the first member that answers says. @throws EnvironmentError if none does. */
  async #first<T>(question: (node: RestNode, index: number) => Promise<T>): Promise<T> {
    const reasons: string[] = [];
    for (const { node, index } of this.#inTurn()) {
      try {
        return await question(node, index);
      } catch (error) {
        reasons.push(`${node.name}: ${reason(error)}`);
      }
    }
    throw new EnvironmentError(`no Patroni answers: ${reasons.join('; ')}`, { code: 'manager-silent' });
  }

  #inTurn(): { readonly node: RestNode; readonly index: number }[] {
    const all = this.#nodes.map((node, index) => ({ node, index }));
    return [...all.slice(this.#last), ...all.slice(0, this.#last)];
  }
}

interface Request {
  readonly limitMs: number;
  /** The body of a change, which needs the password. */
  readonly body?: object;
  /** The method of a change; `POST` by default. */
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

function reason(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : errorText(error);
}
