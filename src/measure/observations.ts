/** What became of an observation that a check asked for. */

import type { Observation } from '../model/event.ts';
import { eventsOf, type History } from '../model/history.ts';

/** In words, for a history without it. */
export function whyNotObserved(history: History, observation: Observation): string {
  const failed = eventsOf(history, 'observation-failed').find((event) => event.observation === observation);
  return failed ? `it could not be observed: ${failed.error}` : 'it was not observed in this run';
}
