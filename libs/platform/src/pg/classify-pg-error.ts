import { isNativeError } from 'node:util/types';
import { CheckpointConflictError, QuipuError } from '../errors.js';

/**
 * What to do about an error of a database call:
 * `retry` the same call later, `data`: what was written is at fault (bisect, set aside), `conflict`:
 * somebody else moved on (drop caches, step down), `fatal`: a defect or a configuration fault.
 */
export type PgErrorClass = 'retry' | 'data' | 'conflict' | 'fatal';

const BY_CLASS: Readonly<Record<string, PgErrorClass>> = {
  '08': 'retry', // connection exception
  '40': 'retry', // transaction rollback: serialization failure, deadlock
  '53': 'retry', // insufficient resources: disk full, too many connections
  '57': 'retry', // operator intervention: shutdown, cancelled, still starting
  '22': 'data', // data exception
  '23': 'data', // integrity constraint violation
};

const BY_CODE: Readonly<Record<string, PgErrorClass>> = {
  '25P03': 'retry', // idle_in_transaction_session_timeout: this session stalled
  '25P04': 'retry', // transaction_timeout
  '25006': 'retry', // read-only: a failover is under way and this is still the old standby
  '55P03': 'retry', // lock_timeout
  QP001: 'conflict', // ours: advance_checkpoint found the checkpoint moved
};

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** pg reports these without a code. */
const CONNECTION_MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|not queryable|connection ended|cannot use a pool after|client was closed/i;

/** Decides what to do about `error`; the one table for all SQLSTATE of this code base. */
export function classifyPgError(error: unknown): PgErrorClass {
  if (error instanceof CheckpointConflictError) return 'conflict';
  if (error instanceof QuipuError) return error.retryable ? 'retry' : 'fatal';
  // Not instanceof: errors of sockets come from another realm when a test runner loads this code into its own.
  if (!isNativeError(error)) return 'fatal';
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string') {
    if (CONNECTION_CODES.has(code)) return 'retry';
    if (/^[0-9A-Z]{5}$/.test(code)) return BY_CODE[code] ?? BY_CLASS[code.slice(0, 2)] ?? 'fatal';
  }
  return CONNECTION_MESSAGES.test(error.message) ? 'retry' : 'fatal';
}
