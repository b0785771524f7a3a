import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { jest } from '@jest/globals';
import type { LogEvent } from '@quipu/contracts';
import { noIoSteps, systemClock } from '@quipu/platform';
import { sampleEvent, sampleEvents } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';
import { type ArchivedPart, readArchivedParts } from './archived-part.js';
import { checkFiles } from './check-files.js';
import { LogArchive } from './log-archive.js';
import { archivePartition, dropArchivedPartition, type MoveOptions } from './move-partition.js';
import { restorePartition } from './restore-partition.js';

const ALL = { maxEvents: 100_000, maxBytes: 1 << 30 };
const signal = new AbortController().signal;

jest.setTimeout(60_000);

describe('an archive of the log', () => {
  let database: TestDatabase;
  let directory: string;
  let log: EventLog;
  let archive: LogArchive;
  let before: Awaited<ReturnType<EventLog['readAfter']>>;
  let known: LogEvent;

  beforeAll(async () => {
    database = await testDatabase();
    directory = mkdtempSync(join(tmpdir(), 'quipu-archive-'));
    await database.pool.query(
      `CREATE OR REPLACE FUNCTION log_partition_size() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 1000::bigint'`,
    );
    archive = new LogArchive(directory);
    log = new EventLog(database.pool, noIoSteps, archive);
    known = sampleEvent({
      subject: 'job/é"\\,"subject":x/1@1',
      data: { queue: ',"subject":"job/other","tenant":"x","time":1', attempt: 1 },
    });
    // Appends that do not end where partitions do, and positions that are missing.
    for (let i = 0; i < 8; i += 1) await log.append({ events: [...sampleEvents(430), known, sampleEvent()] });
    before = await log.readAfter(0n, ALL);
  });
  afterAll(async () => {
    await database.drop();
    rmSync(directory, { recursive: true });
  });

  const options = (): MoveOptions => ({
    ...{ pool: database.pool, archive, directory, clock: systemClock, io: noIoSteps, signal },
    progress: () => undefined,
  });

  async function move(first: bigint): Promise<ArchivedPart> {
    const part = await archivePartition(options(), { first, end: first + 1_000n });
    expect(await dropArchivedPartition(options(), part, 10_000)).toBe(true);
    return part;
  }

  const within = (first: number, end: number): number =>
    before.filter(({ position }) => position >= first && position < end).length;

  const tables = async (): Promise<string[]> =>
    (
      await database.pool.query<{ name: string }>(
        `SELECT relname AS name FROM pg_class WHERE relname ~ '^log_p[0-9]+$' ORDER BY relname`,
      )
    ).rows.map(({ name }) => name);

  it('takes the place of partitions, and everybody reads on as before', async () => {
    const parts = [await move(0n), await move(1_000n)];
    expect(await tables()).toEqual(['log_p2000', 'log_p3000']);
    expect(parts.map(({ events }) => events)).toEqual([within(0, 1_000), within(1_000, 2_000)]);
    expect(await log.readAfter(0n, { maxEvents: 999, maxBytes: 1 << 30 })).toEqual(before.slice(0, 999));
    const read: typeof before = [];
    for (let after = 0n; ;) {
      const page = await log.readAfter(after, { maxEvents: 317, maxBytes: 1 << 30 });
      if (page.length === 0) break;
      read.push(...page);
      after = page.at(-1)!.position;
    }
    expect(read).toEqual(before);
    expect(await log.readAfter(0n, { maxEvents: 9, maxBytes: 1 })).toEqual(before.slice(0, 1));
    expect(await log.countAfter(0n)).toBe(BigInt(before.length));
    // Within an archived append, positions are counted.
    expect(Number(await log.countAfter(500n)) - within(501, 9_999)).toBeLessThanOrEqual(1);
    expect(await log.oldestRecordedAfter(7n)).toBe(before[0]!.recordedMs);
    expect((await log.head()).position).toBe(before.at(-1)!.position);
  });

  it.each([
    ['all', { types: [], source: 'sample' } as const, () => true],
    ['none', { types: ['node.allocated'], source: 'nobody' } as const, () => false],
  ])('is read for what is selected of it, range by range: %s', async (_, selection, isSelected) => {
    const head = before.at(-1)!.position;
    const read: typeof before = [];
    for (let after = 0n; after < head;) {
      const to = after + 333n < head ? after + 333n : head;
      const page = await log.readSelected(after, to, selection);
      expect(page.to > after && page.to <= to).toBe(true);
      read.push(...page.events);
      after = page.to;
    }
    expect(read).toEqual(before.filter(isSelected));
  });

  it('finds the events of an entity, archived or not', async () => {
    for (const { tenant, subject } of [before[3]!, before[1_100]!, before[2_500]!, known]) {
      const expected = before.filter((event) => event.tenant === tenant && event.subject === subject);
      expect(expected.length).toBeGreaterThan(0);
      expect(await log.readEntity(tenant, subject)).toEqual(expected);
    }
    expect(await log.readEntity('nobody', 'job/q/1')).toEqual([]);
  });

  it('knows identities and bodies as before', async () => {
    const [first] = before;
    expect(first).toBeDefined();
    const again = { ...first! };
    expect((await log.append({ events: [again] })).outcomes).toEqual(['duplicate']);
    expect((await log.append({ events: [{ ...again, data: { other: true } }] })).outcomes).toEqual([
      'conflict',
    ]);
    expect((await log.locate([again]))[0]?.position).toBe(first!.position);
    const { logged } = await log.find(again);
    expect(logged).toEqual({
      ...{ position: first!.position, recordedMs: first!.recordedMs, type: first!.type },
      ...{ subject: first!.subject, timeMs: first!.time },
    });
    // Without the directory: that it is logged, and where, but no more.
    expect((await new EventLog(database.pool).find(again)).logged).toMatchObject({
      position: first!.position,
      recordedMs: null,
    });
  });

  it('answers by position and time of record', async () => {
    const archived = await archive.seenBy(database.pool);
    expect(archived.end).toBe(2_000n);
    expect(await archived.at(before[1_200]!.position)).toEqual(before[1_200]);
    expect(await archived.lastUpTo(1_999n)).toEqual(before.findLast(({ position }) => position < 2_000n));
    expect(await archived.lastUpTo(0n)).toBeNull();
    const time = before[900]!.recordedMs;
    expect(await archived.lastRecordedBy(time)).toEqual(
      before.findLast(({ recordedMs, position }) => recordedMs <= time && position < 2_000n),
    );
    expect(await archived.lastRecordedBy(1)).toBeNull();
  });

  it('is refused by name to whoever has no files', async () => {
    await expect(new EventLog(database.pool).readAfter(0n, ALL)).rejects.toThrow(
      /Positions 0 to 999 of the log are archived in log-.*cannot be read: this process has no directory/,
    );
    const elsewhere = new EventLog(database.pool, noIoSteps, new LogArchive('/nowhere'));
    await expect(elsewhere.readAfter(0n, ALL)).rejects.toMatchObject({ code: 'archive_unavailable' });
    expect((await elsewhere.readAfter(1_999n, ALL)).length).toBeGreaterThan(1_000);
  });

  it('is a plain gzipped copy, described beside it', async () => {
    const [part] = await readArchivedParts(database.pool);
    const lines = gunzipSync(readFileSync(join(directory, part!.file)))
      .toString()
      .trimEnd()
      .split('\n');
    expect(JSON.parse(lines[0]!)).toEqual({
      'quipu-log': 1,
      archive: { first: '0', end: '1000', previous: '00'.repeat(32) },
    });
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ end: { events: within(0, 1_000) } });
    const manifest = readdirSync(directory).find(
      (name) => name.startsWith('log-000000000000-') && name.endsWith('.json'),
    );
    expect(JSON.parse(readFileSync(join(directory, manifest!), 'utf8'))).toMatchObject({
      ...{ 'quipu-archive': 1, first: '0', end: '1000', events: within(0, 1_000), sha256: part!.sha256 },
    });
    expect(await checkFiles(directory, part!, { signal })).toEqual([]);
    const path = join(directory, part!.file);
    const intact = readFileSync(path);
    const bytes = Buffer.from(intact);
    bytes[200]! ^= 1;
    writeFileSync(path, bytes);
    expect(await checkFiles(directory, part!, { signal })).toEqual([
      { file: part!.file, why: expect.stringContaining('SHA-256') },
    ]);
    writeFileSync(path, intact);
  });

  it('keeps a snapshot of before whole: the partition stays until it ends', async () => {
    const reader = await database.pool.connect();
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await reader.query('SELECT count(*) FROM log_digests');
    const part = await archivePartition(options(), { first: 2_000n, end: 3_000n });
    expect(await dropArchivedPartition(options(), part, 300)).toBe(false);
    const { rows } = await reader.query(
      `SELECT (SELECT count(*)::int FROM log) AS logged, (SELECT count(*)::int FROM log_archives) AS archives`,
    );
    expect(rows).toEqual([{ logged: within(2_000, 9_999), archives: 2 }]);
    // What is noted is read from the file, by all who can see the note.
    expect(await log.readAfter(0n, ALL)).toHaveLength(within(0, 3_000));
    expect(await log.readEntity(known.tenant, known.subject)).toHaveLength(1);
    await reader.query('COMMIT');
    reader.release();
    expect(await dropArchivedPartition(options(), part, 10_000)).toBe(true);
  });

  it('makes nobody wait behind it while somebody reads the log', async () => {
    await expect(archivePartition(options(), { first: 3_000n, end: 4_000n })).rejects.toThrow(
      /may still come/,
    );
    await log.append({ events: sampleEvents(600) });
    const part = await archivePartition(options(), { first: 3_000n, end: 4_000n });
    const reader = await database.pool.connect();
    await reader.query('BEGIN');
    await reader.query('SELECT 1');
    const dropped = dropArchivedPartition(options(), part, 20_000);
    // It began before the part was noted, or after: it reads now, and appends go on beside it.
    await reader.query('SELECT count(*) FROM log');
    const started = performance.now();
    for (let i = 0; i < 20; i += 1) await log.append({ events: [sampleEvent()] });
    // Behind it they would wait for as long as it waits for the reader.
    expect(performance.now() - started).toBeLessThan(15_000);
    await reader.query('COMMIT');
    reader.release();
    expect(await dropped).toBe(true);
    await restorePartition(
      { ...options(), progress: () => undefined },
      (await readArchivedParts(database.pool)).at(-1)!,
    );
    before = [];
    for (let page = await log.readAfter(0n, ALL); page.length > 0;) {
      before.push(...page);
      page = await log.readAfter(page.at(-1)!.position, ALL);
    }
  });

  it('leaves no hole, and nothing can be changed in what is left', async () => {
    await expect(
      database.pool.query('DELETE FROM log_archives WHERE first_position = 1000'),
    ).rejects.toMatchObject({ code: '23000' });
    await expect(database.pool.query('DELETE FROM log')).rejects.toMatchObject({ code: '42501' });
    await expect(database.pool.query('SELECT log_detach_archived(3000)')).rejects.toThrow(/no archive waits/);
  });

  it('comes back, the newest part first, as a partition like any other', async () => {
    for (const part of (await readArchivedParts(database.pool)).toReversed()) {
      await restorePartition({ ...options(), progress: () => undefined }, part);
    }
    expect(await tables()).toEqual(['log_p0', 'log_p1000', 'log_p2000', 'log_p3000', 'log_p4000']);
    expect(await new EventLog(database.pool).readAfter(0n, ALL)).toEqual(before);
    expect(await new EventLog(database.pool).readEntity(known.tenant, known.subject)).toHaveLength(1);
    await expect(database.pool.query('DELETE FROM log_p1000')).rejects.toMatchObject({ code: '42501' });
    await expect(database.pool.query('TRUNCATE log_p1000')).rejects.toMatchObject({ code: '42501' });
    const { rows } = await database.pool.query(
      `SELECT count(*)::int AS indexes FROM pg_index WHERE indrelid = 'log_p0'::regclass`,
    );
    expect(rows).toEqual([{ indexes: 2 }]);
    await log.append({ events: sampleEvents(10) });
    expect(await log.countAfter(0n)).toBe(BigInt(before.length + 10));
  });

  it('is noted together with what else is written of it, or not at all', async () => {
    const seen: number[] = [];
    const noted: MoveOptions['noted'] = async (client) => {
      seen.push((await readArchivedParts(client)).length, (await readArchivedParts(database.pool)).length);
      throw new Error('killed');
    };
    const moved = archivePartition({ ...options(), noted }, { first: 0n, end: 1_000n });
    await expect(moved).rejects.toThrow('killed');
    expect([...seen, (await readArchivedParts(database.pool)).length]).toEqual([1, 0, 0]);
  });

  it('is not made of a log that does not fit its digests', async () => {
    const client = await database.pool.connect();
    await client.query('SET session_replication_role = replica');
    await client.query(`UPDATE log SET tenant = 'other' WHERE position = 700`);
    await client.query('RESET session_replication_role');
    client.release();
    await expect(archivePartition(options(), { first: 0n, end: 1_000n })).rejects.toMatchObject({
      code: 'archive_damaged',
      message: expect.stringMatching(/the append at \d+ to \d+ does not hash to its digest/),
    });
    expect(await readArchivedParts(database.pool)).toEqual([]);
    expect(readdirSync(directory).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });
});
