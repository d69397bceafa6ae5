/** Sessions on nodes that are asked twice a second during a whole run: opening one costs far more than a query. */

import { openSession } from '../../cluster/open-session.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import type { Session } from '../../sql/session.ts';

/** A session is closed after this time without use. */
const IDLE_MS = 3_000;
/** The code of a node that does not answer; a new session would wait just as long. */
const SILENT = 'deadline';

type Asked = Pick<NodeControl, 'name' | 'address'>;

/** Keeps one idle session for each node; concurrent questions open their own. */
export class KeptSessions {
  readonly #open: (node: Asked, limitMs: number) => Promise<Session>;
  readonly #idle = new Map<string, { readonly session: Session; readonly timer: NodeJS.Timeout }>();

  /** @param open opens a session; by default one without settings, which would need a superuser. */
  constructor(open: (node: Asked, limitMs: number) => Promise<Session> = openPlain) {
    this.#open = open;
  }

  /**
   * Asks on the kept session or on a new one. If a kept session fails for another reason than silence, that says nothing
   * about the node, so a new session asks again.
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
