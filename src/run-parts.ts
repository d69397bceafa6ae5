/**
 * What a run imports on demand: its parts before it makes a cluster, what judges it before it breaks anything. After a
 * strike, files of pgquake may be gone, or no descriptor may be free to open them.
 */

import { attributed } from './model/errors.ts';
import { histogramTo } from './model/histogram.ts';
import type { RunListener } from './run/recorder.ts';
import { loadReaders } from './store.ts';

/** Imported only for a run, because Arrow is slow to load. */
export async function runParts() {
  const [{ Recorder }, { run }] = await Promise.all([import('./run/recorder.ts'), import('./run/runner.ts')]);
  await Promise.all([import('./sql/session.ts'), import('./sql/hosts.ts')]);
  return { Recorder, run };
}

/**
 * Loads what judges the run during the ramp: this thread is idle then, and nothing is measured yet.
 * @param failed aborted where that fails, so that a run that cannot be judged ends before its first strike.
 */
export function loadingJudges(failed: AbortController): RunListener {
  return {
    event: (event) => {
      if (event.type !== 'phase-started' || event.phase !== 'ramp') return;
      loadJudges().catch((error: unknown) => failed.abort(attributed(error)));
    },
  };
}

async function loadJudges(): Promise<void> {
  await loadReaders();
  // Loads its package at its first use.
  histogramTo(2);
}
