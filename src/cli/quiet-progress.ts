/** What a person sees of a run under `--quiet`: what went wrong, and notes. */

import type { Scenario } from '../model/scenario.ts';
import { plainText } from '../reporters/escape.ts';
import { EventNarrator } from '../reporters/event-words.ts';
import type { Progress } from './progress.ts';

export function quietProgress(scenario: Scenario, stream: NodeJS.WritableStream): Progress {
  const narrator = new EventNarrator({ topology: scenario.cluster, plannedActs: scenario.faults.length });
  return {
    event(event) {
      // Told all of them: what it says of one may depend on the ones before.
      const words = narrator.words(event);
      if (words?.tone !== 'bad') return;
      const { label, what, detail } = words;
      stream.write(`${label}  ${plainText(detail === undefined ? what : `${what}: ${detail}`)}\n`);
    },
    counts: () => undefined,
    note: (text) => void stream.write(`${plainText(text)}\n`),
    close: () => undefined,
  };
}
