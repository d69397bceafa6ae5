/** The Arrow schema of an operations file. */

import { Dictionary, Field, Float64, Int8, Int32, Schema, Utf8 } from 'apache-arrow';
import type { IntegerColumn } from '../model/operations.ts';

/** The version of the layout below, `pgquake.format` in the schema's metadata. */
export const OPERATIONS_FORMAT = '2';

/** Names of the integer columns in the file. */
export const INTEGERS: readonly (readonly [column: IntegerColumn, name: string, nullable: boolean])[] = [
  ['id', 'id', false],
  ['sentAfterUs', 'sent_us', false],
  ['settledAfterUs', 'settled_us', false],
  ['partitionKey', 'partition_key', true],
  ['partition', 'partition', true],
  ['writer', 'writer', true],
  ['seq', 'seq', true],
  ['session', 'session', true],
  ['rows', 'rows', true],
  ['verified', 'verified', true],
];

export const WORDS = new Dictionary(new Utf8(), new Int8(), 0);
export const OUTCOME_WORDS = new Dictionary(new Utf8(), new Int8(), 1);
export const ROUTE_WORDS = new Dictionary(new Utf8(), new Int8(), 2);

export const SCHEMA = new Schema(
  [
    new Field('kind', WORDS, false),
    new Field('route', ROUTE_WORDS, true),
    new Field('outcome', OUTCOME_WORDS, false),
    new Field('intended_ms', new Float64(), false),
    ...INTEGERS.map(([, name, nullable]) => new Field(name, new Int32(), nullable)),
    new Field('error_code', new Utf8(), true),
    new Field('error_text', new Utf8(), true),
    new Field('anomaly', new Utf8(), true),
  ],
  new Map([['pgquake.format', OPERATIONS_FORMAT]]),
);
