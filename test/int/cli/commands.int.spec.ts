import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { LogArchive } from '@quipu/event-log';
import { ManualClock } from '@quipu/platform';
import { type WhyQuery } from '@quipu/read-models';
import { exportWhy } from '../../../apps/cli/src/why/export-why.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../../support/index.js';
import { testCli, type TestCli } from './test-cli.js';
import { startTestProjector, type TestProjector } from './test-projector.js';

const SMALL = 'test/fixtures/swf/small.swf';
const NOW = Date.parse('2026-11-20T08:00:00Z');

let database: TestDatabase;
let redis: TestRedis;
let projector: TestProjector;
let cli: TestCli;
const clock = new ManualClock(NOW);
const directory = mkdtempSync(join(tmpdir(), 'quipu-events-'));

beforeAll(async () => {
  database = await testDatabase();
  redis = await testRedis();
  projector = await startTestProjector(database.url, redis.url, clock);
  cli = testCli({ database: database.url, redis: redis.url }, clock);
});

afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  cli.close();
  await projector.stop();
  await redis.release();
  await database.drop();
});

describe('a workload from the file to the numbers', () => {
  it('is imported through the queue, and told in words', async () => {
    const { exitCode, out, err } = await cli.run('import', SMALL);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toMatch(/jobs +119\n/);
    expect(out).toMatch(/events +357: 357 new, 0 already in the log\n/);
    expect(out).toMatch(/skipped +\d+ × partial \(status 2 to 4\) \(lines? \d+/);
    expect(out).toMatch(/tenants +g1, g2, g3\n/);
    expect(out).toMatch(/, projected\n/);
  }, 60_000);

  it('adds nothing when it comes again', async () => {
    expect(await cli.json('import', SMALL)).toMatchObject({ events: 357, new: 0, duplicates: 357 });
    expect(await cli.json('import', SMALL, '--via', 'log')).toMatchObject({ new: 0, duplicates: 357 });
  }, 60_000);

  it('comes to the same usage however it is grouped', async () => {
    const whole = await cli.json('usage');
    expect(whole).toMatchObject({ level: 'nodes', unit: 'node-seconds', groupBy: [] });
    for (const by of ['tenant', 'tenant,user', 'queue,cluster']) {
      const { rows, total } = await cli.json('usage', '--by', by);
      expect(total).toBe(whole.total);
      const sum = rows.reduce((all: bigint, row: { total: string }) => all + BigInt(row.total), 0n);
      expect(String(sum)).toBe(whole.total);
    }
  });

  it('adds up over buckets, and over the parts of a window', async () => {
    const { total } = await cli.json('usage');
    const daily = await cli.json(
      'usage',
      '--bucket',
      'hour',
      '--by',
      'tenant',
      '--start',
      '2023-11-01',
      '--end',
      '2023-12-01',
    );
    expect(daily.total).toBe(total);
    expect(daily.buckets).toHaveLength(30 * 24);
    const before = await cli.json('usage', '--end', '1700010000');
    const after = await cli.json('usage', '--start', '1700010000');
    expect(String(BigInt(before.total) + BigInt(after.total))).toBe(total);
  });

  it('is filtered by tenant id or name, and an unknown tenant is told', async () => {
    const { rows } = await cli.json('usage', '--by', 'tenant');
    const one = await cli.json('usage', '--tenant', 'g1');
    expect(one.total).toBe(rows.find((row: { tenant: string }) => row.tenant === 'g1').total);
    const unknown = await cli.run('usage', '--tenant', 'nobody');
    expect(unknown).toMatchObject({ exitCode: 1, out: '' });
    expect(unknown.err).toMatch(
      /There is no tenant "nobody"\.\n +`\.\/quipu tenants list`.*`\.\/quipu tenants create`/,
    );
  });

  it('is shown as a table with a totals row', async () => {
    const { total } = await cli.json('usage');
    const { out } = await cli.run('usage', '--by', 'tenant');
    const grouped = Number(total).toLocaleString('en-US');
    expect(out).toMatch(/^node-seconds from 2023-11-14 .* to now \(2026-11-20 08:00:00Z\)\n/);
    expect(out).toMatch(/\n {2}g1 +[\d,]+\n {2}g2 +[\d,]+\n {2}g3 +[\d,]+\n {2}─+\n/);
    expect(out).toMatch(new RegExp(`\\n {2}total +${grouped}\\n$`));
  });

  it('that ends now has jobs waiting and running', async () => {
    clock.set(Date.now());
    const report = await cli.json('import', SMALL, '--ending', 'now', '--tenant-by', '=live');
    expect(report.leftOut).toBeGreaterThan(0);
    const { rows } = await cli.json('queues', '--tenant', 'live');
    const held = rows.reduce((all: number, row: { inProgress: number }) => all + row.inProgress, 0);
    expect(held).toBeGreaterThan(0);
    const { out } = await cli.run('queues');
    expect(out).toMatch(
      /tenant +queue +queued +delayed +blocked +in progress +oldest waiting +in\/min .* verdict\n/,
    );
    clock.set(NOW);
  }, 60_000);

  it.each(['queue', 'log'])('that is cut off goes into the log (via %s) as far as it goes', async (via) => {
    const lines = Array.from(
      { length: 400 },
      (_, i) => `${i + 1} ${i} 5 10 1 -1 -1 1 -1 -1 1 1 1 -1 0 1 -1 -1 ${'9'.repeat(1000)}`,
    );
    const half = join(directory, 'half.swf.gz');
    writeFileSync(half, gzipSync(`; Computer: half\n${lines.join('\n')}\n`).subarray(0, -12));
    const { exitCode, out, err } = await cli.run('import', half, '--via', via, '--tenant-by', `=half-${via}`);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
    expect(err).toMatch(/half\.swf\.gz cannot be decompressed to its end.*\n.*Import the whole file again/);
    const { rows } = await database.pool.query('SELECT count(*)::int AS n FROM log WHERE tenant = $1', [
      `half-${via}`,
    ]);
    expect(rows[0].n).toBeGreaterThan(0);
  });

  it('is exported whole or not at all, and a disk that is full is told', async () => {
    const file = join(directory, 'number.ndjson');
    symlinkSync('/dev/full', `${file}.part`);
    const { exitCode, out, err } = await cli.run('why', 'node_seconds', '--export', file);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
    expect(err).toMatch(/ENOSPC.*\n +Free some disk space/);
    expect((await cli.run('why', 'node_seconds', '--export', file)).exitCode).toBe(0);
    const services = { pool: database.pool, archive: new LogArchive(null) };
    const query: WhyQuery = { measure: 'node_seconds', now: NOW };
    const other = join(directory, 'number-2.ndjson');
    await expect(exportWhy(services, query, other, AbortSignal.abort())).rejects.toThrow(/abort/i);
    const left = readdirSync(directory).filter((name) => name.startsWith('number'));
    expect(left).toEqual(['number.ndjson']);
  });

  it('survives verify', async () => {
    const { exitCode, out } = await cli.run('verify');
    expect(out).toMatch(/^verify {2}exact\n/);
    expect(exitCode).toBe(0);
  }, 60_000);

  it('stands in the status', async () => {
    const status = await cli.json('status');
    expect(status).toMatchObject({
      ledger: { behindEvents: '0', behindSeconds: 0, halted: null },
      queue: { waiting: 0, active: 0, failed: 0, consumers: 1 },
      deadLetters: {},
    });
    expect(status.log.position).toBe(status.ledger.position);
    expect((await cli.run('status')).out).toMatch(/ledger +position [\d,]+, up to date\n/);
  });
});

describe('a file of CloudEvents', () => {
  const event = (id: string, type: string, time: string) =>
    JSON.stringify({
      ...{ specversion: '1.0', id, source: 'test', type, subject: 'job/q/1@1', time, tenant: 'initech' },
      data: { queue: 'q', user: 'peter', nodes: 2 },
    });
  const file = join(directory, 'events.ndjson');

  it('is imported; what is no event is told, kept, and makes the exit code 1', async () => {
    const lines = [
      event('1', 'job.queued', '2026-01-01T00:00:00Z'),
      event('2', 'job.started', '2026-01-01T00:00:01.250Z'),
      event('3', 'job.completed', '2026-01-01T00:00:02.255Z'),
      event('4', 'job.devoured', '2026-01-01T00:00:02Z'),
    ];
    writeFileSync(file, lines.join('\n'));
    const { exitCode, out, err } = await cli.run('import', file);
    expect(out).toMatch(/events +4: 3 new, 0 already in the log\n/);
    expect(out).toMatch(/refused +1 unknown-type, kept as dead letters\n/);
    expect(out).toMatch(/skipped +1 × unknown-type: .*devoured.* \(line 4\)\n/);
    expect(err).toMatch(/Some events were not taken into the log/);
    expect(exitCode).toBe(1);
    expect((await cli.json('usage', '--tenant', 'initech')).total).toBe('2.01');
    expect((await cli.json('status')).deadLetters).toEqual({ 'unknown-type': 1 });
  }, 60_000);

  it('that says something else under a known id is told as a conflict', async () => {
    writeFileSync(file, event('1', 'job.queued', '2026-01-01T00:00:07Z'));
    for (const via of ['queue', 'log']) {
      const { exitCode, out } = await cli.run('import', file, '--via', via);
      expect(exitCode).toBe(1);
      expect(out).toMatch(/conflicts +1 known with another body, kept as dead letters\n/);
    }
    expect((await cli.json('usage', '--tenant', 'initech')).total).toBe('2.01');
  }, 60_000);

  it('shows names as text, whatever is in them', async () => {
    const steps = ['queued', 'started', 'completed'].map((step, i) =>
      event(`h${i}`, `job.${step}`, `2026-01-01T00:00:0${i}Z`)
        .replace('initech', 'hostile')
        .replaceAll('"peter"', JSON.stringify('\u001b[31mred\n')),
    );
    writeFileSync(file, [...steps, event('h4', 'job.\u009b2J', '2026-01-01T00:00:02Z')].join('\n'));
    const texts = [
      (await cli.run('import', file)).out,
      (await cli.run('usage', '--tenant', 'hostile', '--by', 'user')).out,
      (await cli.run('tenants', 'create', 'named', '--name', 'a\u202eb')).out,
      (await cli.run('tenants')).out,
    ];
    for (const text of texts) expect(text).not.toMatch(/[\u001b\u009b\u202e]/);
    expect(texts[1]).toContain('\\u{1b}[31mred\\n');
    expect(texts[3]).toContain('a\\u{202e}b');
  }, 60_000);

  it('takes no options that are for workloads', async () => {
    expect(await cli.run('import', file, '--ending', 'now')).toMatchObject({ exitCode: 2, out: '' });
    expect(await cli.run('import', file, '--tenant-by', 'user')).toMatchObject({ exitCode: 2, out: '' });
  });
});

describe('verify on a ledger that somebody has touched', () => {
  it('tells the difference and exits with 3', async () => {
    const change = (by: number) =>
      database.pool.query(
        `UPDATE ledger_1.amounts SET value = value + $1 WHERE family = 'jobs_finished' AND tenant = 'g1'`,
        [by],
      );
    await change(1);
    try {
      const { exitCode, out, err } = await cli.run('verify');
      expect(exitCode).toBe(3);
      expect(out).toMatch(/✗ amount /);
      expect(err).toMatch(/verify found \d+ differences?\./);
    } finally {
      await change(-1);
    }
  }, 60_000);
});

describe('tenants and keys', () => {
  beforeAll(() => clock.set(NOW));

  it('are created, listed and revoked', async () => {
    expect((await cli.run('tenants', 'create', 'acme', '--name', 'Acme Inc')).out).toMatch(
      /Tenant Acme Inc \(acme\)/,
    );
    expect(await cli.json('tenants')).toContainEqual(
      expect.objectContaining({ id: 'acme', name: 'Acme Inc', origin: 'admin' }),
    );
    const made = await cli.run('keys', 'create', 'Acme Inc', 'george', '--role', 'user', '--expires', '+30d');
    expect(made.exitCode).toBe(0);
    expect(made.out).toMatch(/^\S{40,}\n$/);
    const [key] = await cli.json('keys', 'list', '--tenant', 'acme');
    expect(key).toMatchObject({
      principal: 'george',
      role: 'user',
      expires: new Date(NOW + 30 * 86_400_000).toISOString(),
      revoked: null,
    });
    expect(JSON.stringify(key)).not.toContain(made.out.trim());
    expect((await cli.run('keys', 'revoke', key.id)).exitCode).toBe(0);
    expect((await cli.run('keys', 'revoke', key.id)).exitCode).toBe(1);
    expect((await cli.run('keys')).out).toMatch(/acme\/george +user .* revoked 2026-11-20/);
  });

  it('a key is rotated: the new one takes over, the old one works for the grace', async () => {
    const old = await cli.json(
      'keys',
      'create',
      'acme',
      'ci',
      '--role',
      'reporter',
      '--source-prefix',
      'ci/',
    );
    const until = new Date(NOW + 3_600_000).toISOString();
    const made = await cli.json('keys', 'rotate', old.id, '--grace', '1h');
    expect(made).toMatchObject({ tenant: 'acme', principal: 'ci', replaces: { id: old.id, expires: until } });
    const rows = await cli.json('keys', 'list', '--tenant', 'acme');
    expect(rows).toContainEqual(expect.objectContaining({ id: old.id, expires: until, revoked: null }));
    expect(rows).toContainEqual(
      expect.objectContaining({ id: made.id, role: 'reporter', sourcePrefix: 'ci/', expires: null }),
    );
    const again = await cli.run('keys', 'rotate', made.id, '--grace', '0s', '--expires', '+90d');
    expect(again.out).toMatch(/^\S{40,}\n$/);
    expect(again.err).toMatch(/new key of acme\/ci\..*\nThe old one works no more\./);
    expect(await cli.run('keys', 'rotate', made.id)).toMatchObject({ exitCode: 1, out: '' });
    expect((await cli.run('keys', 'rotate', 'nothing')).err).toContain('`./quipu keys` shows all of them.');
    expect(await cli.run('keys', 'rotate', old.id, '--grace', '31d')).toMatchObject({ exitCode: 2, out: '' });
    expect(await cli.json('keys', 'revoke', old.id)).toEqual({ id: old.id, revoked: true });
    expect(await cli.json('tenants', 'unpublish', 'acme')).toMatchObject({ id: 'acme', public: false });
  });

  it('that cannot be are refused with what to do', async () => {
    expect(await cli.run('tenants', 'create', 'a/b')).toMatchObject({ exitCode: 2, out: '' });
    for (const args of [
      ['tenants', 'create', 'unnamed', '--name', ''],
      ['tenants', 'create', 'unnamed', '--name', 'a\nb'],
      ['keys', 'create', 'acme', '', '--role', 'user'],
      ['keys', 'create', 'acme', 'x'.repeat(201), '--role', 'user'],
      ['keys', 'create', 'acme', 'rep', '--role', 'reporter', '--source-prefix', ''],
    ]) {
      const { exitCode, err } = await cli.run(...args);
      expect([args, exitCode, err]).toEqual([
        args,
        2,
        expect.stringMatching(/ cannot be .*\n +It has 1 to /),
      ]);
    }
    expect((await cli.run('tenants', 'publish', 'Acme Inc')).out).toMatch(/Acme Inc \(acme\) by name/);
    expect((await cli.run('tenants', 'unpublish', 'acme')).out).toMatch(/only as a part of sums/);
    expect(await cli.run('tenants', 'publish', 'nobody')).toMatchObject({ exitCode: 1, out: '' });
    expect(await cli.run('tenants', 'create', 'acme')).toMatchObject({ exitCode: 1 });
    const nobody = await cli.run('keys', 'create', 'acme', 'nobody');
    expect(nobody.exitCode).toBe(1);
    expect(nobody.err).toContain('--role');
  });
});

describe('a command line', () => {
  it.each([[['--help']], [['import', '--help']], [['usage', '--help']], [['keys', 'create', '--help']]])(
    '%j helps',
    async (args) => {
      const { exitCode, out, err } = await cli.run(...args);
      expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
      expect(out).toMatch(/Usage: quipu/);
    },
  );

  it.each([
    [['fly']],
    [['usage', '--level', 'colours']],
    [['usage', '--by', 'colour']],
    [['usage', '--start', 'soon']],
    [['usage', '--start', '2000-01-01', '--bucket', 'quarter']],
    [['import']],
    [['import', SMALL, '--via', 'mail']],
    [['import', '.']],
    [['demo', '--for', 'ever']],
    [['bench', '--scale', '0']],
  ])('%j is refused with exit code 2', async (args) => {
    const { exitCode, out, err } = await cli.run(...args);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
    expect(err).not.toBe('');
    expect(err).not.toMatch(/\n +at /);
  });

  it('tells its version, which is that of package.json', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await cli.run('--version')).toEqual({ exitCode: 0, out: `${version}\n`, err: '' });
  });

  it('tells what to do when a file is not there', async () => {
    const { exitCode, err } = await cli.run('import', 'nowhere.swf');
    expect(exitCode).toBe(1);
    expect(err).toMatch(/nowhere\.swf.*\n +Check the path/);
  });

  it('has examples in the help of every command', async () => {
    const { out } = await cli.run('--help');
    const names = [...out.matchAll(/^ {2}([a-z][a-z-]*)(?: |$)/gm)].map(([, name]) => name!);
    expect(names).toEqual(
      expect.arrayContaining(['start', 'stop', 'test', 'migrate', 'import', 'demo', 'queues', 'usage']),
    );
    expect(names).toEqual(
      expect.arrayContaining(['status', 'verify', 'tenants', 'keys', 'bench', 'dead-letters']),
    );
    for (const name of names) {
      const { out: help } = await cli.run(name, '--help');
      expect(help).toContain('Examples:');
      const subcommands = [...(help.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}([a-z][a-z-]*) /gm)];
      for (const [, subcommand] of subcommands.filter(([, found]) => found !== 'help')) {
        const { out: more } = await cli.run(name, subcommand!, '--help');
        expect([name, subcommand, more.includes('Examples:')]).toEqual([name, subcommand, true]);
        expect([name, subcommand, more.includes('--json')]).toEqual([name, subcommand, true]);
      }
    }
  });
});
