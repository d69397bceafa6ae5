/** Values that have to be whole numbers. */

import { InputError } from './errors.ts';
import { expectedButFound } from './quoted.ts';

/**
 * @param what says more about the range in the error, such as `, the number of workers`.
 * @throws InputError if the value is not a whole number in the range.
 */
export function wholeNumber(option: string, found: number, min: number, max: number, what = ''): number {
  if (Number.isInteger(found) && found >= min && found <= max) return found;
  throw new InputError(`${option}: ${expectedButFound(`a whole number from ${min} to ${max}${what}`, found)}`, {
    code: 'usage',
  });
}
