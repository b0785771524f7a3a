import { isTenantId } from '@quipu/contracts';
import { UsageError } from '@quipu/platform';
import { parseTime } from '../support/times.js';
import { type TenantBy } from './swf-events.js';

/** What an import is asked to do, checked. */
export interface ImportOptions {
  /** Path of the file; `-` is standard input. */
  readonly file: string;
  /** Absent: told by the file's name, else its first bytes. */
  readonly format?: ImportFormat;
  readonly tenantBy: TenantBy;
  readonly via: 'queue' | 'log';
  /** Leave out every step after this instant (ms). */
  readonly untilMs?: number;
  /** Shift all times so that the latest submit falls on this instant (ms). */
  readonly endingMs?: number;
}

export type ImportFormat = 'swf' | 'cloudevents';

/** The options as commander hands them over. */
export interface RawImportOptions {
  readonly format?: string;
  readonly tenantBy?: string;
  readonly via: string;
  readonly until?: string;
  readonly ending?: string;
}

/**
 * Checks the options of `import` against each other.
 * @throws UsageError that says what is allowed.
 */
export function checkImportOptions(file: string, raw: RawImportOptions, nowMs: number): ImportOptions {
  const { format } = raw;
  if (format !== undefined && format !== 'swf' && format !== 'cloudevents') {
    throw new UsageError(`--format ${format} is unknown.`, { hint: 'It is swf or cloudevents.' });
  }
  if (raw.via !== 'queue' && raw.via !== 'log') {
    throw new UsageError(`--via ${raw.via} is unknown.`, { hint: 'It is queue or log.' });
  }
  if (raw.ending !== undefined && file === '-') {
    throw new UsageError('--ending needs to read the file twice, which standard input does not allow.', {
      hint: 'Save it to a file first.',
    });
  }
  return {
    file,
    via: raw.via,
    tenantBy: parseTenantBy(raw.tenantBy ?? 'group'),
    ...(format === undefined ? {} : { format }),
    ...(raw.until === undefined ? {} : { untilMs: parseTime(raw.until, nowMs) }),
    ...(raw.ending === undefined ? {} : { endingMs: wholeSecond(parseTime(raw.ending, nowMs)) }),
  };
}

/** Traces count in seconds: a shift by whole ones keeps node-seconds whole. */
function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** Refuses what only makes sense for workloads. */
export function refuseSwfOnlyOptions(raw: RawImportOptions): void {
  for (const [name, given] of [
    ['--tenant-by', raw.tenantBy],
    ['--ending', raw.ending],
  ] as const) {
    if (given === undefined) continue;
    throw new UsageError(
      `${name} is for workloads (--format swf); CloudEvents say themselves whose they are and when.`,
      {
        hint: `Leave ${name} out.`,
      },
    );
  }
}

function parseTenantBy(text: string): TenantBy {
  if (text === 'group' || text === 'user' || text === 'queue' || text === 'partition') return text;
  if (text.startsWith('=') && isTenantId(text.slice(1))) return { name: text.slice(1) };
  throw new UsageError(`--tenant-by ${text} is unknown.`, {
    hint: 'It is group, user, queue, partition, or =NAME for one tenant (letters, digits and ._:@+-).',
  });
}
