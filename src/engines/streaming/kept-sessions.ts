/**
 * Sessions on nodes that are asked twice a second for as long as a run lasts. To open a session costs a server and its
 * client far more than to ask on it.
 */

import { openSession } from '../../cluster/open-session.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import type { Session } from '../../sql/session.ts';

/** A session that nobody has used for this long is closed. */
const IDLE_MS = 3_000;
/** The node answers nothing: a new session would wait just as long. */
const SILENT = 'deadline';

type Asked = Pick<NodeControl, 'name' | 'address'>;

/** One at a time asks a node; who comes while it is asked gets a session of his own. */
export class KeptSessions {
  readonly #open: (node: Asked, limitMs: number) => Promise<Session>;
  readonly #idle = new Map<string, { readonly session: Session; readonly timer: NodeJS.Timeout }>();

  /** @param open opens a session; one without settings by default, because they would need a superuser. */
  constructor(open: (node: Asked, limitMs: number) => Promise<Session> = openPlain) {
    this.#open = open;
  }

  /**
   * Asks on the session that is kept, or on a new one. A kept session that fails says nothing of the node, so a new one asks
   * again.
   * @param limitMs for opening a session.
   * @throws what opening or asking throws.
   */
  async ask<T>(node: Asked, limitMs: number, question: (session: Session) => Promise<T>): Promise<T> {
    const kept = this.#take(node.name);
    if (kept) {
      try {
        return await this.#on(node.name, kept, question);
      } catch (error) {
        if ((error as { code?: unknown }).code === SILENT) throw error;
      }
    }
    return await this.#on(node.name, await this.#open(node, limitMs), question);
  }

  async #on<T>(name: string, session: Session, question: (session: Session) => Promise<T>): Promise<T> {
    let answered = false;
    try {
      const answer = await question(session);
      answered = true;
      return answer;
    } finally {
      if (answered && !this.#idle.has(name)) this.#keep(name, session);
      else void session.close();
    }
  }

  #take(name: string): Session | undefined {
    const idle = this.#idle.get(name);
    this.#idle.delete(name);
    clearTimeout(idle?.timer);
    return idle?.session.usable ? idle.session : undefined;
  }

  #keep(name: string, session: Session): void {
    session.unref();
    const timer = setTimeout(() => void this.#take(name)?.close(), IDLE_MS);
    this.#idle.set(name, { session, timer: timer.unref() });
  }
}

function openPlain(node: Asked, limitMs: number): Promise<Session> {
  return openSession(node, 'inspect', { limitMs });
}
