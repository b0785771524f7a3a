/** One job of a workload in the Standard Workload Format. Times are in seconds. */
export interface SwfJob {
  /** Field 1, as a decimal number. */
  readonly number: string;
  /** Field 2: seconds after the header's UnixStartTime. */
  readonly submit: number;
  /** Field 3; negative where unknown. */
  readonly wait: number;
  /** Field 4; negative where unknown. */
  readonly runtime: number;
  /** Allocated processors (field 5) if positive, else requested (field 8) if positive, else 1. */
  readonly nodes: number;
  /** What field 11 says of the end: 1 and −1 completed, 0 failed, 5 aborted. */
  readonly outcome: 'completed' | 'failed' | 'aborted';
  /** Field 12. */
  readonly user: string;
  /** Field 13. */
  readonly group: string;
  /** Field 15. */
  readonly queue: string;
  /** Field 16. */
  readonly partition: string;
  /** The eighteen fields with one blank between them: what the line's hash is made of. */
  readonly text: string;
}

/** Why a line of a workload is no job to import. */
export type SwfSkipReason =
  | 'partial (status 2 to 4)'
  | 'unknown status'
  | 'fewer than 18 fields'
  | 'not a number'
  | 'too many processors'
  | 'line too long';

/** What one line of a workload is. */
export type SwfLine =
  | { kind: 'job'; job: SwfJob }
  | { kind: 'blank' }
  | { kind: 'comment' }
  | { kind: 'skip'; reason: SwfSkipReason };

const FIELDS = 18;
const MAX_NODES = 1_000_000;
/** Fields (counted from 1) that must be whole numbers; 2 to 4 may carry a fraction, the others are unused. */
const WHOLE = [1, 5, 8, 11, 12, 13, 15, 16];
const OUTCOMES: Readonly<Record<number, SwfJob['outcome']>> = {
  [-1]: 'completed',
  0: 'failed',
  1: 'completed',
  5: 'aborted',
};

/** Reads one line of a workload (without its line end). Fields beyond the eighteenth are ignored. */
export function parseSwfLine(line: string): SwfLine {
  const trimmed = line.trim();
  if (trimmed === '') return { kind: 'blank' };
  if (trimmed.startsWith(';')) return { kind: 'comment' };
  const fields = trimmed.split(/\s+/, FIELDS);
  if (fields.length < FIELDS) return { kind: 'skip', reason: 'fewer than 18 fields' };
  const values = fields.map(toNumber);
  const field = (number: number): number => values[number - 1]!;
  if (WHOLE.some((number) => !Number.isSafeInteger(field(number))))
    return { kind: 'skip', reason: 'not a number' };
  // A time beyond ten thousand years is a broken line, and would not fit a date.
  if ([2, 3, 4].some((number) => !(Math.abs(field(number)) < 3e11))) {
    return { kind: 'skip', reason: 'not a number' };
  }
  const status = field(11);
  if (status >= 2 && status <= 4) return { kind: 'skip', reason: 'partial (status 2 to 4)' };
  const outcome = OUTCOMES[status];
  if (outcome === undefined) return { kind: 'skip', reason: 'unknown status' };
  const nodes = field(5) > 0 ? field(5) : field(8) > 0 ? field(8) : 1;
  if (nodes > MAX_NODES) return { kind: 'skip', reason: 'too many processors' };
  return {
    kind: 'job',
    job: {
      number: String(field(1)),
      submit: field(2),
      wait: field(3),
      runtime: field(4),
      nodes,
      outcome,
      user: String(field(12)),
      group: String(field(13)),
      queue: String(field(15)),
      partition: String(field(16)),
      text: fields.join(' '),
    },
  };
}

function toNumber(field: string): number {
  // Number() alone would take '0x10', 'Infinity' and '' for numbers.
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(field) ? Number(field) + 0 : NaN;
}
