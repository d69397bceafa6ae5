/** A resource that is being prepared in the background; it is disposed even if its user fails first. */

export class Begun<T extends AsyncDisposable | undefined> implements AsyncDisposable {
  /** Rejects with the error of the preparation. */
  readonly ready: Promise<T>;

  constructor(ready: Promise<T>) {
    this.ready = ready;
    // A user that fails before it awaits `ready` reports its own error.
    ready.catch(() => undefined);
  }

  /** Waits for the preparation, then disposes the result. */
  async [Symbol.asyncDispose](): Promise<void> {
    const made = await this.ready.catch(() => undefined);
    await made?.[Symbol.asyncDispose]();
  }
}
