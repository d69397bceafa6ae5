/** What `--verbose` adds during a run: the first failure of each kind. */

import type { OperationLog } from '../model/history.ts';

/** More notes would bury the rest of the output. */
const MAX_NOTES = 100;

/** @returns a listener for settled operations of the load. @param note prints one line. */
export function failureNotes(note: (text: string) => void): (batch: OperationLog) => void {
  const told = new Set<string>();
  return (batch) => {
    for (const { kind, outcome, errorCode, errorText } of batch.scan()) {
      if (outcome === 'ok' || outcome === 'unsent' || told.size >= MAX_NOTES) continue;
      const words = `${kind} ${outcome === 'fail' ? 'failed' : 'ended unknown'}: ${errorText ?? errorCode ?? 'no reason given'}`;
      if (told.has(words)) continue;
      told.add(words);
      note(`first ${words}`);
    }
  };
}
