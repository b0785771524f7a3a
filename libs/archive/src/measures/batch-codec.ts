import { randomUUID } from 'node:crypto';
import { MAX_MEASURES_BYTES, type MeasuresPayload } from '@quipu/contracts';
import { printsOf } from './metric-prints.js';
import { type Measures, newPoints, type Points, slicePoints } from './points.js';

/*
 * A batch is a sequence of parts, one per metric: 16 bytes of UUID, then its points. Points are one byte (1: the
 * nanoseconds follow, 0: they are all zero), a uint32 of how many, then float64 seconds, uint32 nanoseconds, float64
 * values; all little-endian.
 */
const UUID_BYTES = 16;
const HEAD_BYTES = 5;
/** Later than this in seconds nothing that counts nanoseconds in 64 bits can tell; 2262-04-11. */
export const MAX_SECONDS = 9_223_372_036;

/** Jobs for the queue. */
export interface MeasuresJob {
  /** Id of the job: the batch's. */
  readonly id: string;
  readonly data: MeasuresPayload;
  /** Prints of its metrics; put among the options of the job, those who wait for some metrics know it by them. */
  readonly metrics: string;
}

/**
 * The jobs that carry some measures: one, or several when they are too many for one. Add them with one `addBulk`, so
 * that all of them are queued or none.
 */
export function measuresJobs(measures: Measures): MeasuresJob[] {
  const jobs: MeasuresJob[] = [];
  let parts: Buffer[] = [];
  let metrics: string[] = [];
  let bytes = 0;
  const close = (): void => {
    if (bytes === 0) return;
    const batch = randomUUID();
    const text = Buffer.concat(parts, bytes).toString('base64');
    jobs.push({ id: batch, data: { v: 1, batch, measures: text }, metrics: printsOf(metrics) });
    [parts, metrics, bytes] = [[], [], 0];
  };
  for (const [metricId, points] of measures) {
    for (let from = 0; from < points.values.length;) {
      const perPoint = 20;
      const room = Math.floor((MAX_MEASURES_BYTES - bytes - UUID_BYTES - HEAD_BYTES) / perPoint);
      if (room < 1) {
        close();
        continue;
      }
      const to = Math.min(points.values.length, from + room);
      const part = encodePart(metricId, slicePoints(points, from, to));
      parts.push(part);
      metrics.push(metricId);
      bytes += part.length;
      from = to;
    }
  }
  close();
  return jobs;
}

function encodePart(metricId: string, points: Points): Buffer {
  const encoded = encodePoints(points);
  return Buffer.concat([Buffer.from(metricId.replaceAll('-', ''), 'hex'), encoded]);
}

/** Writes points down, in the order they are in. */
export function encodePoints({ seconds, nanos, values }: Points): Buffer {
  const length = values.length;
  const whole = nanos.every((n) => n === 0);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + length * (whole ? 16 : 20));
  bytes[0] = whole ? 0 : 1;
  bytes.writeUInt32LE(length, 1);
  let at = HEAD_BYTES;
  for (let i = 0; i < length; i += 1, at += 8) bytes.writeDoubleLE(seconds[i]!, at);
  if (!whole) for (let i = 0; i < length; i += 1, at += 4) bytes.writeUInt32LE(nanos[i]!, at);
  for (let i = 0; i < length; i += 1, at += 8) bytes.writeDoubleLE(values[i]!, at);
  return bytes;
}

/** Points read from bytes, and how many bytes they took; null if the bytes are none or a time is impossible. */
export function decodePoints(bytes: Buffer, start = 0): { points: Points; bytes: number } | null {
  if (bytes.length - start < HEAD_BYTES) return null;
  const kind = bytes[start]!;
  const length = bytes.readUInt32LE(start + 1);
  const size = HEAD_BYTES + length * (kind === 0 ? 16 : 20);
  if (kind > 1 || bytes.length - start < size) return null;
  const points = newPoints(length);
  let at = start + HEAD_BYTES;
  for (let i = 0; i < length; i += 1, at += 8) {
    const s = bytes.readDoubleLE(at);
    if (!Number.isInteger(s) || s < 0 || s > MAX_SECONDS) return null;
    points.seconds[i] = s;
  }
  if (kind === 1) {
    for (let i = 0; i < length; i += 1, at += 4) {
      const n = bytes.readUInt32LE(at);
      if (n > 999_999_999) return null;
      points.nanos[i] = n;
    }
  }
  for (let i = 0; i < length; i += 1, at += 8) points.values[i] = bytes.readDoubleLE(at);
  return { points, bytes: size };
}

/** One part of a batch. */
export interface MetricPoints {
  readonly metricId: string;
  readonly points: Points;
}

/** The parts of a batch in their order; a metric may come twice. Null if the bytes are none. */
export function decodeBatch(base64: string): MetricPoints[] | null {
  const bytes = Buffer.from(base64, 'base64');
  const parts: MetricPoints[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < UUID_BYTES) return null;
    const decoded = decodePoints(bytes, at + UUID_BYTES);
    if (decoded === null) return null;
    parts.push({ metricId: uuidText(bytes, at), points: decoded.points });
    at += UUID_BYTES + decoded.bytes;
  }
  return parts;
}

function uuidText(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + UUID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
