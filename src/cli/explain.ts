/** Explains an error to the user. */

import { inspect } from 'node:util';
import pc from 'picocolors';
import { attributed, HarnessError } from '../model/errors.ts';
import { plainText } from '../reporters/escape.ts';
import { inSourcePlaces } from './source-places.ts';
import { asTyped } from './typed.ts';

/** Prints to standard error what went wrong and what to do; for a bug in pgquake, the stack. */
export function explain(thrown: unknown): void {
  const error = attributed(thrown);
  if (!(error instanceof HarnessError)) {
    console.error(pc.red('This is a bug in pgquake. Please report it with the lines below.'));
    console.error(inSourcePlaces(inspect(error)));
    return;
  }
  const [first, ...more] = asTyped(error.message).split('\n').map(plainText);
  console.error(`${pc.red('error')} ${first}`);
  for (const line of more) console.error(`      ${line}`);
  if (error.hint !== undefined) console.error(`${pc.dim(' hint')} ${plainText(asTyped(error.hint))}`);
}
