import { PassThrough } from 'node:stream';
import { jest } from '@jest/globals';
import { createLogger, ManualClock } from '@quipu/platform';
import type { QueueStanding, WorkerRow } from '@quipu/read-models';
import pc from 'picocolors';
import { type Cli } from '../support/cli.js';
import { visibleWidth } from '../support/table.js';
import { runTop } from './run-top.js';
import { tenantsOf, type TopData, type TopReader } from './top-data.js';
import { renderFrame } from './top-frame.js';
import { FIRST_VIEW, pressed, type TopView } from './top-view.js';

const NOW = Date.UTC(2026, 2, 2, 12);
const colours = pc.createColors(false);

function queue(
  tenant: string,
  name: string,
  queued: number,
  more: Partial<QueueStanding> = {},
): QueueStanding {
  return {
    ...{ tenant, queue: name, queued, delayed: 0, blocked: 0, inProgress: 1, oldestWaitingMs: 61_500 },
    ...{ arrivals: [40, 40, 40], departures: [25, 25, 25], completions: [24, 24, 24] },
    waits: { count: 9, meanMs: 1_400, p95Ms: 3_000 },
    ...{
      runs: null,
      workers: 2,
      estimated: false,
      taken: true,
      verdict: 'growing: 40 in, 25 out per minute',
    },
    ...more,
  };
}

function worker(name: string, more: Partial<WorkerRow> = {}): WorkerRow {
  return {
    ...{ tenant: 'acme', worker: name, type: 'external', pool: 'farm', host: 'h1', slots: 2 },
    ...{ enabled: true, connected: true, state: 'idle', connectionSince: NOW - 60_000, estimated: false },
    ...{ lastHeartbeat: NOW - 5_000, registered: NOW - 60_000, retired: null, since: NOW - 60_000 },
    ...{ held: 0, jobs: [], otherJobs: 0 },
    ...more,
  };
}

function world(): TopData {
  const queues = [
    queue('acme', 'builds', 12),
    queue('globex', 'renders', 30, { verdict: 'nothing serves this queue', workers: 0 }),
    queue('acme', 'a\u001b[31mb\nc', 1),
  ];
  const workers = [
    worker('w1'),
    worker('w2', { state: 'lost', estimated: true }),
    worker('w3', { state: 'busy', held: 3, otherJobs: 3, since: null }),
  ];
  const tenants = tenantsOf(queues, new Map([['initech', 7n]]));
  return { now: NOW, position: 9n, queues, workers, tenants };
}

const frame = (view: Partial<TopView> = {}, size: { columns: number; rows: number } | null = null): string =>
  renderFrame({ data: world(), view: { ...FIRST_VIEW, ...view }, colours, size, keys: size !== null });

describe('a frame of top', () => {
  it('shows tenants, queues and workers, what matters first', () => {
    expect(frame()).toBe(
      [
        'quipu top  2026-03-02 12:00:00Z  43 queued, 3 in progress  3 workers: 1 busy, 1 idle, 1 lost',
        '',
        'TENANTS by queued',
        '  tenant   queued  in progress  in/min  done/min  nodes',
        '  globex       30            1      40        24      0',
        '  acme         13            2      80        48      0',
        '  initech       0            0       –         –      7',
        '',
        'QUEUES by queued',
        '  tenant  queue            queued  delayed  blocked  in progress  oldest waiting  in/min  out/min  mean wait  mean run  workers  verdict',
        '  globex  renders              30        0        0            1      1 min 01 s      40       25      1.4 s         –        0  nothing serves this queue',
        '  acme    builds               12        0        0            1      1 min 01 s      40       25      1.4 s         –        2  growing: 40 in, 25 out per minute',
        '  acme    a\\u{1b}[31mb\\nc       1        0        0            1      1 min 01 s      40       25      1.4 s         –        2  growing: 40 in, 25 out per minute',
        '',
        'WORKERS by state',
        '  worker  tenant  pool  type      host  slots  state                    for  heartbeat  jobs',
        '  w2      acme    farm  external  h1      0/2  lost (estimated)  1 min 00 s        5 s  –',
        '  w3      acme    farm  external  h1      3/2  busy                       –        5 s  3 of other tenants',
        '  w1      acme    farm  external  h1      0/2  idle              1 min 00 s        5 s  –',
      ].join('\n'),
    );
  });

  it.each([
    [120, 40],
    [80, 24],
    [60, 12],
    [20, 5],
    [1, 1],
  ])('fits into %d columns and %d rows', (columns, rows) => {
    const lines = frame({}, { columns, rows }).split('\n');
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) expect(visibleWidth(line)).toBeLessThanOrEqual(columns);
  });

  it('leaves out what matters least on a narrow screen, and tells how many rows it does not show', () => {
    const narrow = frame({}, { columns: 92, rows: 14 });
    expect(narrow).toMatch(/ {2}tenant +queue +queued +in progress .*verdict\n/);
    expect(narrow).not.toMatch(/mean wait|blocked/);
    expect(narrow).toMatch(/WORKERS by state, \d rows? not shown/);
    expect(narrow).toMatch(/q quit/);
  });

  it('is ordered as the keys say', () => {
    const tenants = (view: TopView): string[] =>
      renderFrame({ data: world(), view, colours, size: null, keys: false })
        .split('\n')
        .slice(4, 7)
        .map((line) => line.trim().split(' ')[0]!);
    let view: TopView = FIRST_VIEW;
    const press = (keys: string): void => {
      for (const key of keys) view = pressed(view, key) as TopView;
    };
    press('tttt');
    expect([view.tenants, tenants(view)]).toEqual(['nodes', ['initech', 'acme', 'globex']]);
    press('tr');
    expect([view.tenants, tenants(view)]).toEqual(['name', ['initech', 'globex', 'acme']]);
    press('sw+x');
    expect(view).toMatchObject({ queues: 'running', workers: 'for', everyMs: 4_000, reversed: true });
    for (const key of ['q', '\u0003', '\u0004']) expect(pressed(view, key)).toBe('quit');
  });

  it('has colours only where they are asked for, and they take no room', () => {
    const coloured = renderFrame({
      ...{ data: world(), view: FIRST_VIEW, colours: pc.createColors(true) },
      ...{ size: { columns: 80, rows: 24 }, keys: true },
    });
    expect(coloured).toContain('\u001b[31m');
    expect(frame({}, { columns: 80, rows: 24 })).not.toContain('\u001b');
    for (const line of coloured.split('\n')) expect(visibleWidth(line)).toBeLessThanOrEqual(80);
  });
});

describe('top on a terminal', () => {
  function start(read: TopReader) {
    const out = Object.assign(new PassThrough(), { columns: 100, rows: 30 });
    const setRawMode = jest.fn();
    const keys = Object.assign(new PassThrough(), { isTTY: true, setRawMode });
    let written = '';
    out.on('data', (data: Buffer) => (written += data.toString()));
    const interrupt = new AbortController();
    const terminal = { out, err: out, colours, outIsTty: true, errIsTty: true, columns: 100 };
    const cli: Cli = {
      ...{ terminal, env: {}, clock: new ManualClock(NOW), logger: createLogger('test', 'silent') },
      ...{ interrupted: interrupt.signal, config: () => Promise.reject(new Error('none')) as never },
    };
    const over = runTop(cli, read, { view: FIRST_VIEW, once: false, json: false }, { out, keys });
    const seen = async (text: string): Promise<void> => {
      for (const deadline = Date.now() + 20_000; !written.includes(text);) {
        if (Date.now() > deadline) throw new Error(`never saw ${text}: ${written}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    return { over, keys, interrupt, setRawMode, seen, written: () => written };
  }
  const LEFT = '\u001b[?25h\u001b[?1049l';

  it('answers keys, and gives the terminal back at q', async () => {
    const top = start(() => Promise.resolve(world()));
    await top.seen('QUEUES by queued');
    top.keys.write('s');
    await top.seen('QUEUES by running');
    // An arrow key is none of its letters.
    top.keys.write('\u001b[q');
    top.keys.write('q');
    await top.over;
    expect(top.written().startsWith('\u001b[?1049h\u001b[?25l')).toBe(true);
    expect(top.written().endsWith(LEFT)).toBe(true);
    expect(top.setRawMode.mock.calls).toEqual([[true], [false]]);
  });

  it('gives the terminal back when it is interrupted, also while a store does not answer', async () => {
    let asked = 0;
    const top = start(() => (asked++ === 0 ? Promise.resolve(world()) : new Promise(() => undefined)));
    await top.seen('WORKERS');
    top.interrupt.abort('SIGINT');
    await top.over;
    expect(top.written().endsWith(LEFT)).toBe(true);
    const stuck = start(() => new Promise(() => undefined));
    stuck.keys.write('q');
    await stuck.over;
    expect(stuck.written().endsWith(LEFT)).toBe(true);
  });

  it('gives the terminal back when the first look fails, and says why', async () => {
    const top = start(() => Promise.reject(new Error('away')));
    await expect(top.over).rejects.toThrow('away');
    expect(top.written().endsWith(LEFT)).toBe(true);
  });
});
