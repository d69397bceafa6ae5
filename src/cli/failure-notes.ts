/** What `--verbose` adds while a run goes on: each way in which operations fail, as it first comes up. */

import type { OperationLog } from '../model/history.ts';

/** More would be no help. */
const MAX_NOTES = 100;

/** @returns a listener for what has settled of the load. @param note says one line. */
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
