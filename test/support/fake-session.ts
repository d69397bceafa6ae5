/** A session without a server: answers after a delay, on the real clock, and can be told to misbehave. */

import { DeadlineError, type QueryOptions, type Session } from '../../src/sql/session.ts';

export class FakeSession {
  usable = true;
  /** What each statement does from now on. */
  answer: () => Promise<unknown[][]> = async () => [];

  async query(
    _text?: string,
    _values?: readonly unknown[],
    { timeoutMs = 60_000 }: QueryOptions = {},
  ): Promise<unknown[][]> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DeadlineError(timeoutMs)), timeoutMs);
    });
    try {
      return await Promise.race([this.answer(), limit]);
    } catch (error) {
      if (error instanceof DeadlineError) this.discard();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async forEachRow(
    text: string,
    values: readonly unknown[],
    onRow: (row: unknown[]) => void,
    options?: QueryOptions,
  ): Promise<void> {
    for (const row of await this.query(text, values, options)) onRow(row);
  }

  unref(): void {}

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
