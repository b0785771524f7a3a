import { parseEvent, toCloudEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { shiftHeader, submittedAt, SwfMapper } from './swf-events.js';
import { SwfHeaderReader, traceOf } from './swf-header.js';
import { parseSwfLine, type SwfJob } from './swf-line.js';
import { surveySwf, type SwfOptions, swfSource } from './swf-source.js';

const HEADER = { computer: 'Test Cluster', installation: 'Here', unixStartTime: 1_000_000 };
const NOW = 1_900_000_000_000;
const LINE = '7 100 20 300 16 -1 -1 32 600 -1 1 4 2 -1 3 5 -1 -1';

function job(line: string): SwfJob {
  const parsed = parseSwfLine(line);
  if (parsed.kind !== 'job') throw new Error(`${line} is ${JSON.stringify(parsed)}`);
  return parsed.job;
}

function withField(number: number, value: string | number): string {
  const fields = LINE.split(' ');
  fields[number - 1] = String(value);
  return fields.join(' ');
}

async function* pieces(text: string, size = 7): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function importText(text: string, options: Partial<SwfOptions> = {}) {
  const source = swfSource(pieces(text), { tenantBy: 'group', nowMs: NOW, ...options });
  const events = [];
  for await (const batch of source.batches) events.push(...batch.events);
  return { events, stats: source.stats, name: source.name };
}

describe('a line of a workload', () => {
  it('is read field by field', () => {
    expect(job(LINE)).toEqual({
      number: '7',
      submit: 100,
      wait: 20,
      runtime: 300,
      nodes: 16,
      outcome: 'completed',
      user: '4',
      group: '2',
      queue: '3',
      partition: '5',
      text: LINE,
    });
  });

  it('ignores fields beyond the eighteenth and blanks between fields', () => {
    expect(job(`  ${LINE.replaceAll(' ', '   ')}\t99 98`)).toEqual(job(LINE));
  });

  it('takes requested processors where none were allocated, and one where neither is known', () => {
    expect(job(withField(5, -1)).nodes).toBe(32);
    expect(job(withField(5, 0)).nodes).toBe(32);
    expect(job(withField(5, -1).replace(' 32 ', ' -1 ')).nodes).toBe(1);
  });

  it.each([
    [1, 'completed'],
    [-1, 'completed'],
    [0, 'failed'],
    [5, 'aborted'],
  ])('with status %s ended %s', (status, outcome) => {
    expect(job(withField(11, status)).outcome).toBe(outcome);
  });

  it.each([
    ['', { kind: 'blank' }],
    [' \t', { kind: 'blank' }],
    ['; Computer: x', { kind: 'comment' }],
    [withField(11, 2), { kind: 'skip', reason: 'partial (status 2 to 4)' }],
    [withField(11, 3), { kind: 'skip', reason: 'partial (status 2 to 4)' }],
    [withField(11, 4), { kind: 'skip', reason: 'partial (status 2 to 4)' }],
    [withField(11, 6), { kind: 'skip', reason: 'unknown status' }],
    [LINE.slice(0, -3), { kind: 'skip', reason: 'fewer than 18 fields' }],
    [withField(4, 'x'), { kind: 'skip', reason: 'not a number' }],
    [withField(4, '1e3'), { kind: 'skip', reason: 'not a number' }],
    [withField(12, '1.5'), { kind: 'skip', reason: 'not a number' }],
    [withField(2, '999999999999999'), { kind: 'skip', reason: 'not a number' }],
    [withField(5, 1_000_001), { kind: 'skip', reason: 'too many processors' }],
  ])('%j is %j', (line, expected) => {
    expect(parseSwfLine(line)).toEqual(expected);
  });
});

describe('the header of a workload', () => {
  it('gives computer, installation and start time, whatever stands around them', () => {
    const reader = new SwfHeaderReader();
    for (const line of [
      ';',
      '; Version: 2.2',
      ';Computer:  Seth ',
      '; Installation: HPC2N - North, Sweden',
    ]) {
      reader.read(line);
    }
    reader.read(';    UnixStartTime: 1027839845');
    reader.read('; Computer: another');
    expect(reader.header()).toEqual({
      computer: 'Seth',
      installation: 'HPC2N - North, Sweden',
      unixStartTime: 1_027_839_845,
    });
  });

  it('starts at 0 where it does not say', () => {
    expect(new SwfHeaderReader().header().unixStartTime).toBe(0);
  });

  it('names workloads apart by each of the three', () => {
    const names = [
      HEADER,
      { ...HEADER, computer: 'Other' },
      { ...HEADER, installation: 'There' },
      { ...HEADER, unixStartTime: 1_000_001 },
    ].map(traceOf);
    expect(new Set(names).size).toBe(4);
    expect(names[0]).toMatch(/^[0-9a-f]{12}$/);
  });
});

describe('the events of a job', () => {
  const mapper = new SwfMapper({ header: HEADER, tenantBy: 'group' });

  it('are queued at submit, started after the wait, ended after the run time', () => {
    const { events } = mapper.events(job(LINE));
    expect(events.map(({ type, time }) => [type, time])).toEqual([
      ['job.queued', 1_000_100_000],
      ['job.started', 1_000_120_000],
      ['job.completed', 1_000_420_000],
    ]);
    const trace = traceOf(HEADER);
    for (const event of events) {
      expect(event).toMatchObject({
        tenant: 'g2',
        source: `swf:${trace}`,
        subject: `job/${trace}-7`,
        dataversion: 1,
      });
    }
    expect(events[0]!.data).toEqual({ queue: 'q3', user: 'u4', cluster: 'p5', nodes: 16 });
  });

  it('count an unknown wait as none', () => {
    const [queued, started] = mapper.events(job(withField(3, -1))).events;
    expect(started!.time).toBe(queued!.time);
  });

  it.each([0, 1, 5, -1])('abort at once without a run time, whatever the status (%s) says', (status) => {
    const fields = withField(4, -1).split(' ');
    fields[10] = String(status);
    const { events } = mapper.events(job(fields.join(' ')));
    expect(events.map(({ type, time }) => [type, time])).toEqual([
      ['job.queued', 1_000_100_000],
      ['job.started', 1_000_120_000],
      ['job.aborted', 1_000_120_000],
    ]);
  });

  it('end at the start when the run time is 0', () => {
    const { events } = mapper.events(job(withField(4, 0)));
    expect(events[2]).toMatchObject({ type: 'job.completed', time: 1_000_120_000 });
  });

  it('keep fractions of seconds to the millisecond', () => {
    expect(mapper.events(job(withField(4, '0.2505'))).events[2]!.time).toBe(1_000_120_251);
  });

  it.each([
    ['group', 'g2'],
    ['user', 'u4'],
    ['queue', 'q3'],
    ['partition', 'p5'],
    [{ name: 'acme' }, 'acme'],
  ] as const)('belong to the tenant told by %j', (tenantBy, tenant) => {
    expect(new SwfMapper({ header: HEADER, tenantBy }).events(job(LINE)).events[0]!.tenant).toBe(tenant);
  });

  it('after the limit are left out and counted', () => {
    const cut = new SwfMapper({ header: HEADER, tenantBy: 'group', untilMs: 1_000_120_000 });
    const { events, leftOut } = cut.events(job(LINE));
    expect(events.map(({ type }) => type)).toEqual(['job.queued', 'job.started']);
    expect(leftOut).toBe(1);
  });
});

describe('importing a workload', () => {
  const head = '; Computer: Test Cluster\n; Installation: Here\n; UnixStartTime: 1000000\n;\n';

  it('counts jobs, skips blank lines silently and partial lines aloud', async () => {
    const text = `${head}${LINE}\n\n${withField(11, 2)}\r\nnonsense\n${withField(1, 8)}\n \n`;
    const { events, stats, name } = await importText(text);
    expect(events).toHaveLength(6);
    expect(stats.jobs).toBe(2);
    expect(name).toBe(`swf:${traceOf(HEADER)}`);
    expect(stats.skipped.list()).toEqual([
      { reason: 'fewer than 18 fields', count: 1, firstLines: [8] },
      { reason: 'partial (status 2 to 4)', count: 1, firstLines: [7] },
    ]);
  });

  it('takes a last line without line end', async () => {
    expect((await importText(head + LINE)).events).toHaveLength(3);
  });

  it.each([
    ['a byte order mark', `\u00ef\u00bb\u00bf${head}`],
    ['a broken line', `Computer: Other\n${head}`],
    ['a partial line', `${withField(11, 3)}\n${head}`],
    ['a line that is too long', `;${'x'.repeat(300_000)}\n${head}`],
  ])('finds the header behind %s', async (_what, text) => {
    const { events, name } = await importText(`${text}${LINE}\n`);
    expect(name).toBe(`swf:${traceOf(HEADER)}`);
    expect(events.map(({ time }) => time)).toEqual([1_000_100_000, 1_000_120_000, 1_000_420_000]);
    expect(await surveySwf(pieces(`${text}${LINE}`))).toEqual({ header: HEADER, latestSubmit: 100 });
  });

  it('does not let a comment among the jobs change the workload they belong to', async () => {
    const { events } = await importText(`${head}${LINE}\n; UnixStartTime: 5\n${withField(1, 8)}\n`);
    expect(new Set(events.map((event) => event.source)).size).toBe(1);
  });

  it('shifts the latest submit to the given instant and leaves out what lies after it', async () => {
    const text = `${head}${LINE}\n${withField(1, 8).replace(' 100 ', ' 1000 ')}\n`;
    const survey = await surveySwf(pieces(text));
    expect(survey).toEqual({ header: HEADER, latestSubmit: 1000 });
    const endingAt = 1_800_000_000_500;
    const { events, stats, name } = await importText(text, {
      tenantBy: 'group',
      ending: { atMs: endingAt, survey },
    });
    expect(events.map(({ subject, type, time }) => [subject.split('-')[1], type, time])).toEqual([
      ['7', 'job.queued', 1_799_999_100_000],
      ['7', 'job.started', 1_799_999_120_000],
      ['7', 'job.completed', 1_799_999_420_000],
      ['8', 'job.queued', 1_800_000_000_000],
    ]);
    expect(stats.leftOut).toBe(2);
    expect(name).not.toBe(`swf:${traceOf(HEADER)}`);
  });

  it('takes the earlier of both limits when shifted and cut', async () => {
    const survey = await surveySwf(pieces(head + LINE));
    const { events } = await importText(head + LINE, {
      tenantBy: 'group',
      untilMs: 5,
      ending: { atMs: 1_800_000_000_000, survey },
    });
    expect(events).toEqual([]);
  });
});

const anyJob = fc
  .record({
    number: fc.integer({ min: 1, max: 50 }),
    submit: fc.integer({ min: 0, max: 10_000 }),
    wait: fc.integer({ min: -1, max: 500 }),
    runtime: fc.integer({ min: -1, max: 500 }),
    allocated: fc.integer({ min: -1, max: 8 }),
    status: fc.constantFrom(-1, 0, 1, 2, 3, 4, 5),
    group: fc.integer({ min: -1, max: 3 }),
  })
  .map(
    (j) =>
      `${j.number} ${j.submit} ${j.wait} ${j.runtime} ${j.allocated} -1 -1 -1 -1 -1 ${j.status} 1 ${j.group} -1 0 1 -1 -1`,
  );

describe('what the mapper makes of a job', () => {
  it('is what the contract accepts, in the form the log keeps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyJob, { minLength: 1 }), async (jobs) => {
        const limits = { nowMs: NOW, maxAgeMs: 0, backfill: true };
        for (const event of (await importText(jobs.join('\n'))).events) {
          expect(parseEvent(JSON.parse(JSON.stringify(toCloudEvent(event))), limits)).toEqual({
            ok: true,
            event,
          });
        }
      }),
      { numRuns: 30 },
    );
  });

  it('does not reach into the future', async () => {
    const { events, stats } = await importText(LINE, { nowMs: 100_000 - 300_001 + 20_000 });
    expect(events.map(({ type }) => type)).toEqual(['job.queued']);
    expect(stats.skipped.list()).toEqual([
      { reason: 'step lies in the future', count: 2, firstLines: [1, 1] },
    ]);
  });
});

describe('identities of imported events', () => {
  const head = '; Computer: c\n; UnixStartTime: 77\n';
  const key = (event: { tenant: string; source: string; id: string }) =>
    JSON.stringify([event.tenant, event.source, event.id]);

  it('and bodies are the same in every import, and a grown file only adds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyJob, { maxLength: 20 }),
        fc.array(anyJob, { maxLength: 5 }),
        async (jobs, more) => {
          const first = (await importText(`${head}${jobs.join('\n')}\n`)).events;
          const grown = (await importText(`${head}${[...jobs, ...more].join('\n')}\n`)).events;
          expect(grown.slice(0, first.length)).toEqual(first);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('have one body each', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyJob, { maxLength: 60 }), async (jobs) => {
        const bodies = new Map<string, string>();
        for (const event of (await importText(`${head}${jobs.join('\n')}\n`)).events) {
          const body = JSON.stringify(event);
          expect(bodies.get(key(event)) ?? body).toBe(body);
          bodies.set(key(event), body);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('are a subset of the whole import when it is cut at a time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyJob), fc.integer({ min: 0, max: 12_000 }), async (jobs, until) => {
        const text = `${head}${jobs.join('\n')}\n`;
        const whole = (await importText(text)).events;
        const cut = await importText(text, { tenantBy: 'group', untilMs: until * 1000 });
        expect(cut.events).toEqual(whole.filter((event) => event.time <= until * 1000));
        expect(cut.stats.leftOut).toBe(whole.length - cut.events.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe('shifting', () => {
  it('puts the latest submit on the whole second', () => {
    const shifted = shiftHeader(HEADER, 500, 2_000_000_999);
    expect(submittedAt(shifted, { submit: 500 })).toBe(2_000_000_000);
  });
});
