/** What is made ready while other things are, and is put away whatever becomes of those. */

export class Begun<T extends AsyncDisposable | undefined> implements AsyncDisposable {
  /** Rejects with what kept it from getting ready. */
  readonly ready: Promise<T>;

  constructor(ready: Promise<T>) {
    this.ready = ready;
    // Whoever leaves before this is asked for has an error of his own.
    ready.catch(() => undefined);
  }

  /** Waits until it is ready, and then puts it away. */
  async [Symbol.asyncDispose](): Promise<void> {
    const made = await this.ready.catch(() => undefined);
    await made?.[Symbol.asyncDispose]();
  }
}
