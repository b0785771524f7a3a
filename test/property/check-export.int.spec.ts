import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalEvent, type LogEvent } from '@quipu/contracts';
import { exportReasons, MEASURE_NAMES, type WhyQuery } from '@quipu/read-models';
import fc from 'fast-check';
import { cut } from '../support/generators/arrivals.js';
import { instant, LAST } from '../support/generators/drafts.js';
import { TENANTS, worldEvents } from '../support/generators/worlds.js';
import { LedgerRig } from './ledger-rig.js';
import { platform } from './questions.js';
import { runs } from './runs.js';

interface Line {
  interval?: { amount: string; to: string | null };
  event?: {
    id: string;
    tenant: string;
    time: string;
    type: string;
    dataversion: number;
    data: Record<string, unknown>;
  };
  position?: string;
  batch?: { first: string; last: string; leaves: [string, string][]; digest: string };
  end?: { total: string; intervals: number; events: number; head: { position: string; digest: string } };
}

describe('an exported number, computed again by a program that shares no code', () => {
  let rig: LedgerRig;
  let directory: string;

  beforeAll(async () => {
    rig = await LedgerRig.open();
    directory = mkdtempSync(join(tmpdir(), 'quipu-check-'));
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true, force: true });
    await rig.close();
  });

  const exported = async (query: WhyQuery): Promise<{ lines: string[]; total: bigint }> => {
    const lines: string[] = [];
    const { total } = await exportReasons(
      rig.database.pool,
      platform,
      query,
      (line) => void lines.push(line),
    );
    return { lines, total };
  };
  const check = (lines: readonly string[]): { status: number | null; output: string } => {
    const file = join(directory, 'export.ndjson');
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    const run = spawnSync(process.execPath, ['tools/check.mjs', '--json', file], { encoding: 'utf8' });
    const output = run.stdout + run.stderr;
    return { status: run.status, output };
  };
  const play = (batches: readonly (readonly LogEvent[])[]): Promise<void> =>
    rig.play({
      appends: batches.map((events) => ({ events, before: 'nothing' as const })),
      maxEvents: 2_000,
    });

  const question = fc.record({
    measure: fc.constantFrom(...MEASURE_NAMES),
    start: fc.option(instant, { nil: undefined }),
    end: instant,
    now: fc.oneof(instant, fc.constant(LAST + 12_345)),
    tenant: fc.option(fc.constantFrom(...TENANTS), { nil: undefined }),
    filter: fc.option(
      fc.constantFrom(
        { user: 'ann' },
        { queue: 'build' },
        { cluster: 'c1' },
        { cluster: 'k1' },
        { service: 'db' },
      ),
      { nil: undefined, freq: 2 },
    ),
  });

  it('is the same number, for any facts in any order and any question', async () => {
    const world = worldEvents(8)
      .chain((events) => fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }))
      .chain((events) => cut(events, 6));
    await fc.assert(
      fc.asyncProperty(world, fc.array(question, { minLength: 4, maxLength: 6 }), async (batches, asked) => {
        await play(batches);
        for (const { measure, start, end, now, tenant, filter } of asked) {
          const query: WhyQuery = {
            ...{ measure, now, end, at: end },
            ...(start === undefined ? {} : { start }),
            filters: { ...(tenant === undefined ? {} : { tenant }), ...filter },
          };
          const { lines } = await exported(query);
          const checked = check(lines);
          expect([query, checked.status, checked.output]).toEqual([query, 0, expect.anything()]);
        }
      }),
      { ...runs(5), endOnFailure: true },
    );
  }, 600_000);

  describe('of one tenant, whose events share their appends with another', () => {
    let lines: string[];
    const event = (tenant: string, subject: string, type: string, time: number, data = {}): LogEvent => ({
      ...{ tenant, source: `${tenant}-secret`, id: `${subject}${type}${time}`, subject, dataversion: 1 },
      ...{ type: type as LogEvent['type'], time, data },
    });
    const query: WhyQuery = { measure: 'node_seconds', now: 50_000, filters: { tenant: 'acme' } };
    const edited = (edit: (line: Line) => Line | Line[]): string[] =>
      lines.flatMap((line) => edit(JSON.parse(line) as Line)).map((line) => JSON.stringify(line));
    /** Edits the first line that has `part`. */
    const once = (part: keyof Line, edit: (line: Line) => Line | Line[]): string[] => {
      let done = false;
      return edited((line) => {
        if (done || line[part] === undefined) return line;
        done = true;
        return edit(line);
      });
    };

    let batches: NonNullable<Line['batch']>[];
    const about = (change: object): string[] => [
      JSON.stringify({ ...(JSON.parse(lines[0]!) as object), ...change }),
      ...lines.slice(1),
    ];
    /** Edits the append with a digest; the first by default. */
    const append = (change: object, digest = batches[0]!.digest): string[] =>
      edited((line) =>
        line.batch?.digest === digest ? { ...line, batch: { ...line.batch, ...change } } : line,
      );
    const head = (change: object): string[] =>
      edited((line) =>
        line.end?.head === undefined
          ? line
          : { ...line, end: { ...line.end, head: { ...line.end.head, ...change } } },
      );

    beforeAll(async () => {
      await play([
        [
          event('acme', 'node/k/a', 'node.allocated', 1_000, { user: 'ann' }),
          event('umbrella', 'node/k/b', 'node.allocated', 1_000, { user: 'eve-of-umbrella' }),
          event('acme', 'job/1', 'job.queued', 1_000, { user: 'ann', nodes: 3 }),
        ],
        [
          event('umbrella', 'node/k/b', 'node.released', 9_000),
          event('acme', 'job/1', 'job.started', 2_000),
          event('acme', 'node/k/a', 'node.released', 11_000),
        ],
        [event('acme', 'job/1', 'job.completed', 5_000), event('umbrella', 'job/1', 'job.queued', 7_000)],
      ]);
      lines = (await exported(query)).lines;
      batches = lines.flatMap((line) => (JSON.parse(line) as Line).batch ?? []);
    });

    it('is right as it is, and tells nothing of the other tenant but hashes', () => {
      expect(check(lines)).toMatchObject({ status: 0, output: expect.stringContaining('"number":"19"') });
      expect(lines.join('\n')).not.toContain('umbrella');
      expect(lines.filter((line) => line.startsWith('{"batch"')).length).toBe(3);
    });

    const tampered: Record<string, () => string[]> = {
      'an event told at another time': () =>
        once('event', (line) => ({ ...line, event: { ...line.event!, time: '1970-01-01T00:00:00.500Z' } })),
      'an event with other data': () =>
        once('event', (line) => ({ ...line, event: { ...line.event!, data: { user: 'bob' } } })),
      'an event that was removed': () => once('event', () => []),
      'an event that was hidden behind its hash': () => {
        const taken = JSON.parse(lines.find((line) => line.includes('node.released'))!) as Line;
        const hash = hashOf(taken);
        return edited((line) => {
          if (line.position === taken.position) return [];
          if (line.batch === undefined || !within(line.batch, taken.position!)) return line;
          return { batch: { ...line.batch, leaves: [...line.batch.leaves, [taken.position!, hash]] } };
        });
      },
      'an event that was added': () =>
        once('event', (line) => [line, { position: '99', event: { ...line.event!, id: 'made-up' } }]),
      'an event that is there twice': () => once('event', (line) => [line, line]),
      'an interval of another amount': () =>
        once('interval', (line) => ({ interval: { ...line.interval!, amount: '1' } })),
      'an interval that was removed': () => once('interval', () => []),
      'an interval that is there twice': () => once('interval', (line) => [line, line]),
      'another total': () =>
        edited((line) => (line.end?.total === undefined ? line : { end: { ...line.end, total: '18000' } })),
      'another window': () =>
        [lines[0]!.replace(':50.000Z', ':51.000Z'), ...lines.slice(1)].map((line) =>
          line.replace('"start":null', '"start":"1970-01-01T00:00:03.000Z"'),
        ),
      'another hash of a hidden event': () =>
        once('batch', (line) => ({ batch: { ...line.batch!, leaves: [['2', 'ab'.repeat(32)]] } })),
      'another digest': () =>
        once('batch', (line) => ({ batch: { ...line.batch!, digest: 'ab'.repeat(32) } })),
      'an append that was removed': () => once('batch', () => []),
      'an end that was cut off': () => lines.slice(0, -1),
      'a question asked earlier than its events came': () => about({ position: '2' }),
      'a question asked later than the head': () => about({ position: '9000' }),
      'a question asked before its window ends': () => about({ asOf: '1970-01-01T00:00:49.000Z' }),
      'an append that begins earlier': () => append({ first: '0' }),
      'an append that ends later': () =>
        append({ last: String(BigInt(batches.at(-1)!.last) + 1n) }, batches.at(-1)!.digest),
      'an append that follows from no digest': () => append({ previous: '1' }),
      'another digest of the head': () => head({ digest: 'ab'.repeat(32) }),
      'another position of the head': () => head({ position: batches.at(-1)!.first }),
      'an append that follows from another, with a digest to match': () => {
        const [first, second] = batches;
        const previous = 'ab'.repeat(32);
        const hashes = new Map(second!.leaves.map(([at, hash]) => [BigInt(at), hash]));
        for (const line of lines.map((text) => JSON.parse(text) as Line)) {
          if (line.position !== undefined && within(second!, line.position) && line.event !== undefined)
            hashes.set(BigInt(line.position), hashOf(line));
        }
        const chain = createHash('sha256').update(previous, 'hex');
        for (const [at, hash] of [...hashes].sort(([a], [b]) => Number(a - b))) {
          const bytes = Buffer.alloc(8);
          bytes.writeBigInt64BE(at);
          chain.update(bytes).update(hash, 'hex');
        }
        expect(BigInt(second!.first)).toBe(BigInt(first!.last) + 1n);
        return append({ previous, digest: chain.digest('hex') }, second!.digest);
      },
      'a line that is no JSON': () => [lines[0]!, '{"interval":', ...lines.slice(1)],
      'a line of another kind': () => [lines[0]!, '{"note":1}', ...lines.slice(1)],
      'an event of an unknown version': () =>
        once('event', (line) => ({ ...line, event: { ...line.event!, dataversion: 2 } })),
    };
    for (const [what, tamper] of Object.entries(tampered)) {
      it(`is found to differ with ${what}`, () => {
        const { status, output } = check(tamper());
        expect([what, status, output]).toEqual([what, 3, expect.stringContaining('"differences":["')]);
      });
    }

    describe('and whose end nobody saw', () => {
      const said = (changes: Record<string, string>): string[] =>
        lines.map((line) =>
          Object.entries(changes).reduce((text, [from, to]) => text.replaceAll(from, to), line),
        );

      beforeAll(async () => {
        const ended = event('acme', 'job/9', 'job.aborted', 5_000, { estimated: true, worker: 'w' });
        await play([
          [
            event('acme', 'job/9', 'job.queued', 1_000, { user: 'ann', nodes: 3 }),
            event('acme', 'job/9', 'job.started', 2_000, { worker: 'w' }),
          ],
          [{ ...ended, dataversion: 2 }],
        ]);
        lines = (await exported({ ...query, filters: { tenant: 'acme', user: 'ann' } })).lines;
      });

      it('is right as it is, and marked', () => {
        expect(check(lines)).toMatchObject({ status: 0, output: expect.stringContaining('"number":"9"') });
        expect(lines.filter((line) => line.includes('"height":3,"estimated":true'))).toHaveLength(1);
      });

      it.each([
        [
          'an interval that is told as seen',
          { '"height":3,"estimated":true': '"height":3,"estimated":false' },
        ],
        ['an end that is told as seen', { '"estimated":true,"worker"': '"estimated":false,"worker"' }],
        ['both told as seen', { '"estimated":true': '"estimated":false' }],
        ['an estimate of an older version', { '"dataversion":2': '"dataversion":1' }],
        ['an end at another time', { ':05.000Z': ':04.000Z', '"9000"': '"6000"' }],
      ])('is found to differ with %s', (_, changes) => {
        const changed = said(changes);
        expect(changed).not.toEqual(lines);
        expect(check(changed)).toMatchObject({
          status: 3,
          output: expect.stringContaining('"differences":["'),
        });
      });
    });

    it('that is no export, or of no such file, is an error and no verdict', () => {
      expect(check(['{"quipu-log":1}']).status).toBe(1);
      expect(check(['no json']).status).toBe(1);
      expect(spawnSync(process.execPath, ['tools/check.mjs'], { encoding: 'utf8' }).status).toBe(2);
      const help = spawnSync(process.execPath, ['tools/check.mjs', '--help'], { encoding: 'utf8' });
      expect([help.status, help.stdout]).toEqual([0, expect.stringContaining('Exit codes')]);
    });
  });
});

function hashOf({ event }: Line): string {
  const text = canonicalEvent({ ...event, time: Date.parse(event!.time) } as unknown as LogEvent);
  return createHash('sha256').update(text).digest('hex');
}

function within({ first, last }: { first: string; last: string }, position: string): boolean {
  return BigInt(position) >= BigInt(first) && BigInt(position) <= BigInt(last);
}
