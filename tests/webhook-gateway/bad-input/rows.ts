import { EVENT_ROWS } from './event-rows.ts';
import { HTTP_ROWS } from './http-rows.ts';
import { JSON_ROWS } from './json-rows.ts';
import type { BadInputRow } from './row.ts';
import { SIGNATURE_ROWS } from './signature-rows.ts';

/** The whole table. */
export const ROWS: readonly BadInputRow[] = [...SIGNATURE_ROWS, ...JSON_ROWS, ...EVENT_ROWS, ...HTTP_ROWS];
