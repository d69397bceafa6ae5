/** The view of a run under `--quiet`: problems and notes. */

import type { Scenario } from '../model/scenario.ts';
import { plainText } from '../reporters/escape.ts';
import { EventNarrator } from '../reporters/event-words.ts';
import type { Progress } from './progress.ts';

export function quietProgress(scenario: Scenario, stream: NodeJS.WritableStream): Progress {
  const narrator = new EventNarrator({ topology: scenario.cluster, plannedActs: scenario.faults.length });
  return {
    event(event) {
      // The narrator sees every event, because its words may depend on earlier ones.
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
