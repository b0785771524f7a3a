import { jest } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { sampleEvent, sampleEvents } from '../../test/sample-events.js';
import { repository, testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';
import { exportLog } from './export-log.js';

const CHECKER = join(repository, 'tools/check-log.mjs');

const ADD_ROW = (position: number) => `
  INSERT INTO log SELECT ${position}, recorded_ms, time_ms, tenant, source, 'new', type, subject, 1, NULL, data
  FROM log WHERE position = 1`;

function checkLog(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CHECKER, ...args], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

jest.setTimeout(30_000);

describe('the digest chain', () => {
  let database: TestDatabase;
  let directory: string;
  let copy: string;

  beforeAll(async () => {
    database = await testDatabase();
    directory = mkdtempSync(join(tmpdir(), 'quipu-chain-'));
    copy = join(directory, 'log.ndjson');
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await database.drop();
  });
  beforeEach(async () => {
    await tamper(`TRUNCATE log, event_ids, log_digests; SELECT setval('log_position_seq', 1, false)`);
    const log = new EventLog(database.pool);
    const odd = sampleEvent({
      sequence: 'é"',
      time: -1,
      data: { é: 1e21, b: [0.1, -0, '\u2028'], a: { ' ': null } },
    });
    await log.append({ events: [...sampleEvents(4), odd] });
    await log.append({ events: sampleEvents(1) });
    // Known events take part in a batch without a position of their own.
    const known = sampleEvents(3);
    await log.append({ events: known });
    await log.append({ events: [known[0]!, sampleEvent(), known[1]!, sampleEvent()] });
  });

  /** Changes the log as an intruder with all rights would. */
  async function tamper(statement: string): Promise<void> {
    const client = await database.pool.connect();
    await client.query('SET session_replication_role = replica');
    await client.query(statement);
    await client.query('RESET session_replication_role');
    client.release();
  }

  async function exported(): Promise<string> {
    const out = createWriteStream(copy);
    await exportLog(database.pool, out);
    await new Promise((resolve) => out.end(resolve));
    return copy;
  }

  it('holds for an untouched log', async () => {
    const { rows } = await database.pool.query(
      `SELECT encode(digest, 'hex') AS head FROM log_digests ORDER BY last_position DESC LIMIT 1`,
    );
    const { status, output } = checkLog(await exported());
    expect(output).toContain(`11 events in 4 batches, head ${rows[0].head}\nThe chain holds.`);
    expect(status).toBe(0);
  });

  it('holds for an empty log', async () => {
    await tamper('TRUNCATE log, log_digests');
    const { status, output } = checkLog(await exported());
    expect(output).toContain(`0 events in 0 batches, head ${'00'.repeat(32)}\nThe chain holds.`);
    expect(status).toBe(0);
  });

  it.each([
    ['a changed tenant', `UPDATE log SET tenant = 'other' WHERE position = 3`, ['batch 1 to 5: its events']],
    ['changed data', `UPDATE log SET data = '{"nodes":1}' WHERE position = 6`, ['position 6: its events']],
    ['a removed row', `DELETE FROM log WHERE position = 8`, ['batch 7 to 9: holds 2 events, 3']],
    [
      'swapped rows',
      `UPDATE log SET position = CASE position WHEN 2 THEN -4 ELSE -2 END WHERE position IN (2, 4);
       UPDATE log SET position = -position WHERE position < 0`,
      ['batch 1 to 5: its events'],
    ],
    ['a row added within a batch', ADD_ROW(12), ['batch 11 to 13: holds 3 events, 2']],
    ['a row added between batches', ADD_ROW(10), ['position 10: belongs to no batch']],
    ['a row added at the end', ADD_ROW(14), ['position 14: belongs to no batch']],
    [
      'a removed batch with its digest',
      `DELETE FROM log WHERE position = 6; DELETE FROM log_digests WHERE last_position = 6`,
      ['batch 7 to 9: does not follow'],
    ],
    [
      'a changed event with a new digest',
      `UPDATE log SET tenant = 'other' WHERE position = 6;
       UPDATE log_digests SET digest = sha256('x') WHERE last_position = 6`,
      ['position 6: its events', 'batch 7 to 9: does not follow'],
    ],
  ])('tells of %s, in which batch it is', async (_, statement, expected) => {
    if (statement.includes('-4')) {
      // Positions that no partition is for: the rows change places by way of them.
      await tamper(`CREATE TABLE log_before (LIKE log); ALTER TABLE log ATTACH PARTITION log_before
                    FOR VALUES FROM (MINVALUE) TO (0)`);
    }
    await tamper(statement);
    const { status, output } = checkLog(await exported());
    expect(status).toBe(3);
    for (const line of expected) expect(output).toContain(`DIFFERS  ${line}`);
    expect(output.match(/^DIFFERS/gm)).toHaveLength(expected.length);
  });

  it('tells of what was done to the copy', async () => {
    const lines = readFileSync(await exported(), 'utf8')
      .trimEnd()
      .split('\n');
    const changed = (change: (copy: string[]) => void) => {
      const altered = [...lines];
      change(altered);
      writeFileSync(copy, `${altered.join('\n')}\n`);
      return checkLog(copy);
    };
    const swapped = changed((copy) => ([copy[3], copy[4]] = [copy[4]!, copy[3]!]));
    expect(swapped).toMatchObject({
      status: 3,
      output: expect.stringContaining('position 2: is not in its place'),
    });
    expect(changed((copy) => copy.splice(4, 1)).output).toContain('batch 1 to 5: holds 4 events, 5');
    expect(changed((copy) => copy.pop()).output).toContain('the copy is cut off');
    expect(changed((copy) => copy.splice(-4, 3)).output).toContain(
      'the last digest is not the one of the end line',
    );
    expect(changed((copy) => (copy[2] = copy[2]!.replace('job.started', 'job.queued'))).status).toBe(3);
    // Only the meaning counts: white space and the order of members are no tampering.
    const rewritten = changed((copy) => {
      const { event, ...rest } = JSON.parse(copy[2]!);
      copy[2] = JSON.stringify({ event: Object.fromEntries(Object.entries(event).reverse()), ...rest });
    });
    expect(rewritten.status).toBe(0);
  });

  it('tells that the newest batches are gone, to who noted a digest', async () => {
    const { head } = JSON.parse(checkLog('--json', await exported()).output);
    expect(checkLog(copy, '--anchor', head).status).toBe(0);
    await tamper('DELETE FROM log WHERE position > 9; DELETE FROM log_digests WHERE last_position > 9');
    await exported();
    expect(checkLog(copy).status).toBe(0);
    const { status, output } = checkLog(copy, '--anchor', head);
    expect(status).toBe(3);
    expect(output).toContain('no batch has the digest of the anchor');
  });

  it('is checked in gzipped copies, and told as JSON', async () => {
    writeFileSync(copy, gzipSync(readFileSync(await exported())));
    const { status, output } = checkLog('--json', copy);
    expect(status).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ batches: 4, events: 11, differences: [] });
  });

  it('is not judged from what is no copy of a log', () => {
    expect(checkLog('--help')).toMatchObject({ status: 0, output: expect.stringContaining('Usage:') });
    expect(checkLog().status).toBe(2);
    expect(checkLog('--anchor', 'x', 'a').status).toBe(2);
    expect(checkLog('--wrong', 'a').status).toBe(2);
    expect(checkLog(join(directory, 'missing')).status).toBe(1);
    writeFileSync(copy, 'nothing\n');
    expect(checkLog(copy)).toMatchObject({ status: 1, output: expect.stringContaining('line 1') });
    writeFileSync(copy, '');
    expect(checkLog(copy).status).toBe(1);
    writeFileSync(copy, gzipSync('{"quipu-log":1}\n').subarray(0, 20));
    expect(checkLog(copy).status).toBe(1);
  });

  it('export rejects when the copy cannot be written', async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });
    await new EventLog(database.pool).append({ events: sampleEvents(2_000) });
    await expect(exportLog(database.pool, broken)).rejects.toThrow('disk full');
  });
});
