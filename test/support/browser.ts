/** A real headless Chromium for tests of pages. */

import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PATH = process.env.PGQUAKE_CHROMIUM ?? '/usr/bin/chromium';

/**
 * Why no page can be opened here; `undefined` where one can.
 * @throws where the tests must not be left out (`PGQUAKE_REQUIRE_BROWSER=1`).
 */
export function browserMissing(): string | undefined {
  if (existsSync(PATH)) return undefined;
  const reason = `no Chromium at ${PATH} (PGQUAKE_CHROMIUM names another)`;
  if (process.env.PGQUAKE_REQUIRE_BROWSER === '1') throw new Error(reason);
  return reason;
}

/** Starts it with an empty profile of its own, which goes with it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: PATH,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
