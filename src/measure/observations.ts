/** Why a history lacks an observation that a check needs. */

import type { Observation } from '../model/event.ts';
import { eventsOf, type History } from '../model/history.ts';

export function whyNotObserved(history: History, observation: Observation): string {
  const failed = eventsOf(history, 'observation-failed').find((event) => event.observation === observation);
  return failed ? `it could not be observed: ${failed.error}` : 'it was not observed in this run';
}
