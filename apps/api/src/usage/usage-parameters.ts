import { type CalendarUnit } from '@quipu/metering';
import { type Dimension, DIMENSIONS, USAGE_LEVELS } from '@quipu/read-models';
import { z } from 'zod';
import { FILTER_PARAMETERS, PAGE_PARAMETERS } from '../answers/filter-parameters.js';
import { oneOf, storableText, timeText } from '../answers/query-parameters.js';
import { quoted } from '../answers/storable-text.js';

/** The calendar units that a window can be split at. */
export const USAGE_BUCKETS = [
  'quarter',
  'hour',
  'day',
  'week',
  'month',
  'year',
] as const satisfies CalendarUnit[];

/** Exact matches that narrow the question. */
export const USAGE_FILTERS = [...DIMENSIONS, 'service'] as const;

const dimensions = z.string().transform((text, context) => {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(DIMENSIONS as readonly string[]).includes(name));
  if (unknown.length === 0) return [...new Set(names)] as Dimension[];
  const what = unknown.slice(0, 3).map(quoted).join(', ');
  context.addIssue({
    code: 'custom',
    message: `is made of ${what}; it is one or more of ${DIMENSIONS.join(', ')}, separated by commas`,
  });
  return z.NEVER;
});

/** The parameters of `GET /api/usage`. @param nowMs what relative times refer to. */
export function usageParameters(nowMs: number) {
  return z.object({
    level: oneOf(USAGE_LEVELS).default('nodes'),
    by: dimensions.default([]),
    start: timeText(nowMs).optional(),
    end: timeText(nowMs).optional(),
    bucket: oneOf(USAGE_BUCKETS).optional(),
    asOf: storableText.optional(),
    ...FILTER_PARAMETERS,
    ...PAGE_PARAMETERS,
  });
}

/** The parameters, read. Times in ms. */
export type UsageParameters = z.output<ReturnType<typeof usageParameters>>;
