/** One function for each type of event; the type of `Tellings` ensures that none is missing. */

import type { EventOf, TimedEvent } from '../../model/event.ts';
import type { EventWords, NarratorContext, TellingAct } from '../event-words.ts';

export interface TellingContext extends NarratorContext {
  readonly acts: Map<number, TellingAct>;
}

export type Tellings<T extends TimedEvent['type']> = {
  readonly [Type in T]: (event: EventOf<Type>, context: TellingContext) => EventWords | undefined;
};

export function tell(label: string, tone: EventWords['tone'], what: string, detail?: string): EventWords {
  return { label, what, ...(detail === undefined ? {} : { detail }), tone };
}

/** For events that are reported elsewhere or are too many to show. */
export const silent = (): undefined => undefined;
