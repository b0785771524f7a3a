import { CheckpointConflictError, type IoSteps, noIoSteps } from '@quipu/platform';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { createTally, readTally, TALLY, TallyProjection } from '../test/tally-projection.js';
import { until } from '../test/until.js';
import { readCheckpoint } from './checkpoint.js';
import { type Statement } from './handler.js';
import { LeaderSession, type Target } from './leader-session.js';

const NOW = Date.UTC(2024, 0, 1);

function set(n: number): Statement {
  return {
    name: 'set',
    text: `INSERT INTO tally (subject, n) VALUES ('a', $1) ON CONFLICT (subject) DO UPDATE SET n = excluded.n`,
    values: [n],
  };
}

const LIVE: Target = { schemaName: 'public', status: 'live' };

describe('LeaderSession', () => {
  let database: TestDatabase;
  let handler: TallyProjection;
  const sessions: LeaderSession[] = [];

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    await createTally(database.pool);
    handler = new TallyProjection(database.pool);
  });
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.close()));
  });

  const open = async (io: IoSteps = noIoSteps) => {
    const session = await LeaderSession.open(database.url, TALLY, io);
    sessions.push(session);
    return session;
  };
  const position = async () => (await readCheckpoint(database.pool, TALLY))?.position;

  it('lets one session lead until it closes', async () => {
    const [first, second] = [await open(), await open()];
    expect(await first.tryLead(TALLY)).toBe(true);
    expect(await second.tryLead(TALLY)).toBe(false);
    expect(await second.tryLead('another projection')).toBe(true);
    await first.close();
    await until(() => second.tryLead(TALLY));
  });

  it('moves tables and checkpoint together, and answers with the epoch', async () => {
    const session = await open();
    const epoch = await session.writeBatch(handler, LIVE, [set(7)], 0n, 12n, NOW);
    expect(await readTally(database.pool)).toEqual({ a: 7 });
    expect(await readCheckpoint(database.pool, TALLY)).toMatchObject({
      position: 12n,
      epoch,
      codeHash: handler.codeHash(),
      updatedMs: NOW,
    });
  });

  it('refuses a zombie that was overtaken before its batch began', async () => {
    const [zombie, leader] = [await open(), await open()];
    await leader.writeBatch(handler, LIVE, [set(1)], 0n, 5n, NOW);
    await expect(zombie.writeBatch(handler, LIVE, [set(2)], 0n, 5n, NOW)).rejects.toThrow(
      CheckpointConflictError,
    );
    expect(await readTally(database.pool)).toEqual({ a: 1 });
    // The session itself is sound: it may follow and be elected again.
    await zombie.writeBatch(handler, LIVE, [set(3)], 5n, 6n, NOW);
    expect(await readTally(database.pool)).toEqual({ a: 3 });
  });

  it('makes a zombie wait for a batch under way, and then refuses it', async () => {
    let release!: () => void;
    let reached!: () => void;
    const inside = new Promise<void>((resolve) => (reached = resolve));
    const gate = new Promise<void>((resolve) => (release = resolve));
    const io: IoSteps = {
      async step(label) {
        if (label !== 'projection.set:after') return;
        reached();
        await gate;
      },
    };
    const [zombie, leader] = [await open(), await open(io)];
    const batch = leader.writeBatch(handler, LIVE, [set(1)], 0n, 5n, NOW);
    await inside;
    const late = zombie.writeBatch(handler, LIVE, [set(2)], 0n, 4n, NOW);
    const refused = expect(late).rejects.toThrow(CheckpointConflictError);
    await until(async () => {
      const { rows } = await database.pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.length === 1;
    });
    release();
    await batch;
    await refused;
    expect(await readTally(database.pool)).toEqual({ a: 1 });
    expect(await position()).toBe(5n);
  });

  it('refuses code that was replaced by a reseed at the same position', async () => {
    const session = await open();
    await session.writeBatch(handler, LIVE, [set(1)], 0n, 5n, NOW);
    const other = new TallyProjection(database.pool, 'fold-1:sums-2');
    await expect(session.writeBatch(other, LIVE, [set(2)], 5n, 6n, NOW)).rejects.toThrow(
      CheckpointConflictError,
    );
    expect(await position()).toBe(5n);
  });

  it('rolls everything back when a statement is refused, and tells the first cause', async () => {
    const session = await open();
    const bad: Statement = { name: 'bad', text: 'SELECT $1::int', values: ['many'] };
    await expect(session.writeBatch(handler, LIVE, [set(1), bad, set(2)], 0n, 5n, NOW)).rejects.toMatchObject(
      {
        code: '22P02',
      },
    );
    expect(await readTally(database.pool)).toEqual({});
    expect(await position()).toBe(0n);
  });
});
