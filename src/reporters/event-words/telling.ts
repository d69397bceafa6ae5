/** How one event is told: a function for each type, together a value that no type is missing from. */

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

/** For what is told elsewhere, or is too much for people. */
export const silent = (): undefined => undefined;
