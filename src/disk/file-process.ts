/** Entry of the process that does the file operations of a run. It may wait for its disk for ever; nothing waits for it. */

import { type Reply, type Request, thrown } from './file-messages.ts';
import { ownFiles } from './files.ts';

process.title = 'pgquake files';
// A limit on file sizes makes a write fail; by default its signal would end this process.
process.on('SIGXFSZ', () => undefined);
process.on('message', ({ operation, args }: Request) => {
  reply(answerTo(operation, args));
});
reply({ value: undefined });

function answerTo(operation: Request['operation'], args: readonly unknown[]): Reply {
  try {
    return { value: (ownFiles[operation] as (...args: readonly unknown[]) => unknown)(...args) };
  } catch (error) {
    return { error: thrown(error) };
  }
}

function reply(message: Reply): void {
  // If pgquake is gone, its answer is not needed.
  process.send?.(message, () => undefined);
}
