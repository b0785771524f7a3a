import { type Measure, MEASURE_NAMES, measureKind } from '@quipu/read-models';
import { z } from 'zod';
import { FILTER_PARAMETERS, PAGE_PARAMETERS } from '../answers/filter-parameters.js';
import { badQuery, type InputError, oneOf, storableText, timeText } from '../answers/query-parameters.js';

const MEASURES = MEASURE_NAMES as [Measure, ...Measure[]];

/** What every question for reasons takes. */
function questionShape(nowMs: number) {
  return {
    measure: z.enum(MEASURES, {
      error: ({ input }) =>
        input === undefined
          ? `is missing; it is one of ${MEASURES.join(', ')}`
          : `is none of ${MEASURES.join(', ')}`,
    }),
    start: timeText(nowMs).optional(),
    end: timeText(nowMs).optional(),
    at: timeText(nowMs).optional(),
    asOf: storableText.optional(),
    ...FILTER_PARAMETERS,
  };
}

/** The parameters of `GET /api/why/export`. @param nowMs what relative times refer to. */
export function exportParameters(nowMs: number) {
  return z.object(questionShape(nowMs));
}

/** The parameters of `GET /api/why`. @param nowMs what relative times refer to. */
export function whyParameters(nowMs: number) {
  return z.object({
    ...questionShape(nowMs),
    events: oneOf(['true', 'false']).default('true'),
    ...PAGE_PARAMETERS,
  });
}

/** A question for reasons, read. Times in ms. */
export type WhyQuestion = z.output<ReturnType<typeof exportParameters>>;

/** Refuses instants that the measure does not have. @throws ProblemException (400) that names each of them. */
export function checkInstants({ measure, start, end, at }: WhyQuestion): void {
  const { kind } = measureKind(measure);
  const errors: InputError[] = [];
  const refuse = (parameter: string, detail: string): void => void errors.push({ parameter, detail });
  if (kind !== 'integral') {
    if (start !== undefined) refuse('start', `does not go with ${measure}, which is counted at one instant`);
    if (end !== undefined) refuse('end', `does not go with ${measure}, which is counted at one instant`);
  }
  if (at !== undefined && kind === 'integral')
    refuse('at', `does not go with ${measure}, which has a start and an end`);
  if (at !== undefined && kind === 'depth')
    refuse('at', `does not go with ${measure}; asOf tells it of the past`);
  if (start !== undefined && end !== undefined && end < start) refuse('end', 'lies before start');
  if (errors.length > 0) throw badQuery(errors);
}
