/** Entry of the process that does the file operations of a run. It may wait for its disk for ever; nothing waits for it. */

import { type Reply, type Request, thrown } from './file-messages.ts';
import { ownFiles } from './files.ts';

/**
 * It ends with its pgquake, which needs it to heal: what ends a whole control group, such as systemd, tells both. SIGXFSZ comes
 * with a write beyond a limit, which fails by itself.
 */
const UNHEEDED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGXFSZ'] as const;

process.title = 'pgquake files';
for (const signal of UNHEEDED) process.on(signal, () => undefined);
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
