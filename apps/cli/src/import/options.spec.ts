import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type LogEvent, toCloudEvent } from '@quipu/contracts';
import { detectFormat, openSource } from './open-source.js';
import { checkImportOptions } from './options.js';
import { type SourceBatch } from './source.js';

const NOW = Date.parse('2026-11-20T08:00:00Z');
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'quipu-import-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function event(id: number, time = NOW): LogEvent {
  const data = { user: 'ann', queue: 'q' };
  return {
    tenant: 'acme',
    source: 's',
    id: `${id}`,
    type: 'job.queued',
    subject: `job/q/${id}`,
    time,
    dataversion: 1,
    data,
  };
}

async function readAll(
  path: string,
  raw: { until?: string; format?: string } = {},
): Promise<SourceBatch & { leftOut: number }> {
  const options = checkImportOptions(path, { via: 'log', ...raw }, NOW);
  const { source } = await openSource(options, await detectFormat(path, options.format), NOW);
  const all: SourceBatch = { events: [], refused: [], bytes: 0 };
  for await (const batch of source.batches) {
    all.events.push(...batch.events);
    all.refused.push(...batch.refused);
  }
  return { ...all, leftOut: source.stats.leftOut };
}

describe('options of an import', () => {
  it('have defaults', () => {
    expect(checkImportOptions('f', { via: 'queue' }, NOW)).toEqual({
      file: 'f',
      via: 'queue',
      tenantBy: 'group',
    });
  });

  it('are read', () => {
    const raw = { via: 'log', format: 'swf', tenantBy: '=acme', until: '-1h', ending: 'now' };
    expect(checkImportOptions('f', raw, NOW)).toEqual({
      ...{ file: 'f', via: 'log', format: 'swf', tenantBy: { name: 'acme' } },
      ...{ untilMs: NOW - 3_600_000, endingMs: NOW },
    });
  });

  it.each([
    [{ via: 'mail' }, '--via mail is unknown'],
    [{ via: 'log', format: 'csv' }, '--format csv is unknown'],
    [{ via: 'log', tenantBy: 'colour' }, '--tenant-by colour is unknown'],
    [{ via: 'log', tenantBy: '=' }, '--tenant-by = is unknown'],
    [{ via: 'log', tenantBy: '=a b' }, '--tenant-by =a b is unknown'],
    [{ via: 'log', until: 'soon' }, '"soon" is not a time'],
  ])('%j are refused', (raw, message) => {
    expect(() => checkImportOptions('f', raw, NOW)).toThrow(message);
  });

  it('do not let standard input be read twice', () => {
    expect(() => checkImportOptions('-', { via: 'log', ending: 'now' }, NOW)).toThrow('twice');
  });
});

describe('the format of a file', () => {
  const swf = '; Computer: x\n1 0 0 1 1 0 0 1 0 0 1 1 1 1 1 1 -1 -1\n';

  it('is told by its name, else by its beginning, compressed or not', async () => {
    expect(await detectFormat('a.swf.gz')).toBe('swf');
    expect(await detectFormat('a.ndjson')).toBe('cloudevents');
    expect(await detectFormat(file('one', swf))).toBe('swf');
    expect(await detectFormat(file('two', gzipSync(swf)))).toBe('swf');
    expect(await detectFormat(file('marked', `\uFEFF${swf}`))).toBe('swf');
    expect(await detectFormat(file('three', ' \n{"specversion":"1.0"}'))).toBe('cloudevents');
    expect(await detectFormat(file('four', gzipSync('[]')))).toBe('cloudevents');
    await expect(detectFormat(file('five', 'Dear diary'))).rejects.toThrow('neither');
  });
});

describe('a named pipe', () => {
  const line = '1 0 0 1 1 0 0 1 0 0 1 1 1 1 1 1 -1 -1\n';

  it('is read once, plain or compressed, and neither guessed at nor asked twice', async () => {
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    await expect(detectFormat(path)).rejects.toThrow('cannot be told');
    const twice = checkImportOptions(path, { via: 'log', format: 'swf', ending: 'now' }, NOW);
    await expect(openSource(twice, 'swf', NOW)).rejects.toThrow('twice');
    for (const [bytes, count] of [
      [Buffer.from(line), 3],
      [gzipSync(line), 3],
      [Buffer.from('1'), 0],
      [Buffer.alloc(0), 0],
    ] as const) {
      const written = writeFile(path, bytes);
      expect((await readAll(path, { format: 'swf' })).events).toHaveLength(count);
      await written;
    }
  });
});

describe('a file of CloudEvents', () => {
  const events = [event(1), event(2), event(3, NOW - 50_000)];
  const lines = events.map((one) => JSON.stringify(toCloudEvent(one)));

  it.each([
    ['lines', lines.join('\n')],
    ['lines with blank ones between', `\n${lines.join('\r\n\n')}\n\n`],
    ['an array', `[${lines.join(',')}]`],
    ['an indented array', JSON.stringify(events.map(toCloudEvent), null, 2)],
    ['an array behind a byte order mark', `\uFEFF[${lines.join(',')}]`],
  ])('may be %s', async (_form, text) => {
    expect(await readAll(file('events.json', text))).toMatchObject({ events, refused: [] });
    expect(await readAll(file('events.json.gz', gzipSync(text)))).toMatchObject({ events, refused: [] });
  });

  it('has what is no event told apart, with its bytes and the reason', async () => {
    const huge = `{"x":"${'y'.repeat(300_000)}"}`;
    const bad = ['{', '7', JSON.stringify({ ...toCloudEvent(event(4)), type: 'job.eaten' }), huge];
    const text = [...bad, lines[0]].join('\n');
    const { events: good, refused } = await readAll(file('bad.ndjson', text));
    expect(good).toEqual([events[0]]);
    expect(refused.map(({ reason }) => reason)).toEqual([
      'malformed',
      'malformed',
      'unknown-type',
      'too-large',
    ]);
    expect(refused[0]!.raw.toString()).toBe('{');
    expect(refused[2]!.tenant).toBe('acme');
  });

  it('that is no UTF-8 is refused event by event', async () => {
    const broken = Buffer.concat([
      Buffer.from('{"a":"'),
      Buffer.from([0xff]),
      Buffer.from(`"}\n${lines[0]}`),
    ]);
    const { events: good, refused } = await readAll(file('latin.ndjson', broken));
    expect(good).toHaveLength(1);
    expect(refused).toMatchObject([{ reason: 'bad-text' }]);
  });

  it('is cut at a time', async () => {
    expect(await readAll(file('cut.ndjson', lines.join('\n')), { until: '-10s' })).toMatchObject({
      events: [events[2]],
      leftOut: 2,
    });
  });

  it('that ends inside its array is told, after all of its events', async () => {
    await expect(readAll(file('half.json', `[${lines.join(',')},`))).rejects.toThrow('ends inside its array');
  });

  it('that is cut off inside its compression is told', async () => {
    const half = gzipSync(lines.join('\n')).subarray(0, -12);
    await expect(readAll(file('half.ndjson.gz', half))).rejects.toThrow('cannot be decompressed to its end');
  });
});
