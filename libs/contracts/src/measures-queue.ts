import { echo } from './refusal.js';

/** Name of the BullMQ queue that carries measures of the archive; its prefix is that of the events. */
export const MEASURES_QUEUE = 'measures';
/** Most bytes of encoded measures (before base64) that one job carries. */
export const MAX_MEASURES_BYTES = 1 << 20;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What one job of the queue carries. */
export interface MeasuresPayload {
  /** Version of the encoding. */
  readonly v: 1;
  /** Identity of the batch, also the id of the job: a batch takes effect once, however often it is delivered. */
  readonly batch: string;
  /** The measures in the archive's own encoding, as base64. */
  readonly measures: string;
}

/**
 * Reads the data of a job of the queue of measures, without decoding the measures.
 * @returns the payload, or what is wrong with the job. Never throws.
 */
export function parseMeasuresPayload(data: unknown): MeasuresPayload | { error: string } {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return { error: `job data: expected {v, batch, measures}, got ${echo(data)}` };
  }
  const { v, batch, measures } = data as Record<string, unknown>;
  if (v !== 1) return { error: `job data.v: expected 1, got ${echo(v)}` };
  if (typeof batch !== 'string' || !UUID.test(batch)) {
    return { error: `job data.batch: expected a lower-case UUID, got ${echo(batch)}` };
  }
  if (typeof measures !== 'string') {
    return { error: `job data.measures: expected base64, got ${echo(measures)}` };
  }
  // Base64 takes four characters for three bytes; one job must not be able to fill the consumer's memory.
  if (measures.length > Math.ceil(MAX_MEASURES_BYTES / 3) * 4 + 4) {
    return { error: `job data.measures: ${measures.length} characters are too many` };
  }
  return { v, batch, measures };
}
