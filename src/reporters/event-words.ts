/** A run's events in words, for the live view and for the timeline of a report. */

import type { TimedEvent } from '../model/event.ts';
import type { NodeName, Topology } from '../model/topology.ts';
import { actTellings } from './event-words/acts.ts';
import { clusterTellings } from './event-words/cluster-events.ts';
import { loadTellings } from './event-words/load-events.ts';
import type { Tellings } from './event-words/telling.ts';

export interface EventWords {
  /** One short word for the topic: `fault`, `heal`. */
  readonly label: string;
  readonly what: string;
  /** The proof or the reason. */
  readonly detail?: string;
  readonly tone: 'plain' | 'strike' | 'good' | 'bad';
}

export interface NarratorContext {
  /** `attach`: the cluster existed before the run and remains after it. */
  readonly topology: Topology & { readonly attach?: string | undefined };
  readonly plannedActs: number;
}

/** What the words for later events of an act need. */
export interface TellingAct {
  readonly fault: string;
  readonly targets: string;
  readonly only: NodeName | undefined;
  readonly askedAt: number;
  healAskedAt?: number;
}

const TELLINGS: Tellings<TimedEvent['type']> = { ...clusterTellings, ...loadTellings, ...actTellings };

/** Puts the events of one run into words; keeps acts and their times for later events. Text is not escaped. */
export class EventNarrator {
  readonly #context: NarratorContext;
  readonly #acts = new Map<number, TellingAct>();

  constructor(context: NarratorContext) {
    this.#context = context;
  }

  /** @returns `undefined` for an event that users need not see. */
  words(event: TimedEvent): EventWords | undefined {
    const tell = TELLINGS[event.type] as (event: TimedEvent, of: object) => EventWords | undefined;
    return tell(event, { ...this.#context, acts: this.#acts });
  }
}
