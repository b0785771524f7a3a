import { UsageError } from '@quipu/platform';
import { cloudEventsSource } from './cloudevents-source.js';
import { type Input, isReadOnce, openInput, peek, STDIN } from './input.js';
import { type ImportFormat, type ImportOptions } from './options.js';
import { type EventSource } from './source.js';
import { surveySwf, swfSource } from './swf-source.js';

/** A file opened for importing. */
export interface OpenedSource {
  readonly source: EventSource;
  readonly input: Input;
  readonly format: ImportFormat;
}

const HEAD_BYTES = 4096;

/** Tells the format of a file: what was asked for, else what its name says, else what it begins with. */
export async function detectFormat(file: string, asked?: ImportFormat): Promise<ImportFormat> {
  if (asked !== undefined) return asked;
  if (/\.swf(\.gz)?$/i.test(file)) return 'swf';
  if (/\.(json|ndjson|jsonl)(\.gz)?$/i.test(file)) return 'cloudevents';
  if (await isReadOnce(file)) {
    const what = file === STDIN ? 'standard input' : file;
    throw new UsageError(`The format of ${what} cannot be told.`, {
      hint: 'Add --format swf or --format cloudevents.',
    });
  }
  const head = (await peek(file, HEAD_BYTES))
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (head.startsWith('{') || head.startsWith('[')) return 'cloudevents';
  if (/^(;|[\d-])/.test(head)) return 'swf';
  throw new UsageError(`${file} looks like neither a workload nor CloudEvents.`, {
    hint: 'If it is one of them, say so: --format swf or --format cloudevents.',
  });
}

/** Opens a file as events. Reads it once before if its times are to be shifted. */
export async function openSource(
  options: ImportOptions,
  format: ImportFormat,
  nowMs: number,
): Promise<OpenedSource> {
  const { file, untilMs, endingMs } = options;
  const until = untilMs === undefined ? {} : { untilMs };
  if (format === 'cloudevents') {
    const input = await openInput(file);
    return { source: cloudEventsSource(input.chunks, { nowMs, ...until }), input, format };
  }
  let ending = {};
  if (endingMs !== undefined) {
    if (await isReadOnce(file)) {
      throw new UsageError(`--ending needs to read the file twice, which ${file} does not allow.`, {
        hint: 'Save it to a file first.',
      });
    }
    const first = await openInput(file);
    const survey = await surveySwf(first.chunks);
    first.close();
    ending = { ending: { atMs: endingMs, survey } };
  }
  const input = await openInput(file);
  return {
    source: swfSource(input.chunks, { nowMs, tenantBy: options.tenantBy, ...until, ...ending }),
    input,
    format,
  };
}
