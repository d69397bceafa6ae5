/** A session without a server: answers after a delay, on the real clock, and can be told to misbehave. */

import { DeadlineError, type Session } from '../../src/sql/session.ts';

export class FakeSession {
  usable = true;
  /** What each statement does from now on. */
  answer: () => Promise<unknown[][]> = async () => [];

  query(_text?: string, _values?: readonly unknown[]): Promise<unknown[][]> {
    return this.answer();
  }

  async forEachRow(_text: string, _values: readonly unknown[], onRow: (row: unknown[]) => void): Promise<void> {
    for (const row of await this.answer()) onRow(row);
  }

  async within<T>(timeoutMs: number, running: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DeadlineError(timeoutMs)), timeoutMs);
    });
    try {
      return await Promise.race([running, limit]);
    } catch (error) {
      if (error instanceof DeadlineError) this.discard();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  discard(): void {
    this.usable = false;
  }

  async close(): Promise<void> {
    this.usable = false;
  }

  asSession(): Session {
    return this as unknown as Session;
  }
}
