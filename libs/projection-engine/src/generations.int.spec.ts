import { EventLog } from '@quipu/event-log';
import { noIoSteps, withTransaction } from '@quipu/platform';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { jobEvent } from '../test/job-events.js';
import { createTally, TALLY, tallyRunner, TallyProjection } from '../test/tally-projection.js';
import { readCheckpoint } from './checkpoint.js';
import { beginGeneration, dropGeneration, GenerationError, promoteGeneration } from './generations.js';
import { LeaderSession } from './leader-session.js';
import { listGenerations } from './list-generations.js';
import { withMaintenanceClient } from './maintenance.js';

const plan = (codeHash = 'fold-1:sums-1', version = 1) => ({
  ...{ name: TALLY, version, codeHash },
  schemaOf: (n: number) => `tally_${n}`,
  tables: (n: number) => [`CREATE SCHEMA tally_${n}`, `CREATE TABLE tally_${n}.t (a int)`],
});

describe('generations of a projection', () => {
  let database: TestDatabase;
  const work = <T>(what: Parameters<typeof withMaintenanceClient<T>>[1]) =>
    withMaintenanceClient<T>(database.url, what);
  const begin = (hash?: string, version?: number) =>
    work((client) => beginGeneration(client, plan(hash, version)));
  const settled = () => Promise.resolve();
  const promote = (schemaName: string, settle: (position: bigint) => Promise<void> = settled) =>
    work((client) => promoteGeneration(client, { name: TALLY, schemaName, settle }));
  const stand = (schemaName: string, position: number) =>
    database.pool.query(`UPDATE projections SET position = $2 WHERE schema_name = $1`, [
      schemaName,
      position,
    ]);
  const states = async () =>
    (await listGenerations(database.pool, TALLY)).map(({ schemaName, status }) => `${schemaName} ${status}`);

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    await createTally(database.pool);
    const { rows } = await database.pool.query<{ name: string }>(
      `SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'tally_%'`,
    );
    for (const { name } of rows) await database.pool.query(`DROP SCHEMA ${name} CASCADE`);
  });

  it('one is begun beside the live one, and gone on with when it is begun again', async () => {
    expect(await begin()).toEqual({ schemaName: 'tally_1', position: 0n, resumed: false });
    await stand('tally_1', 5);
    expect(await begin()).toEqual({ schemaName: 'tally_1', position: 5n, resumed: true });
    expect(await states()).toEqual(['public live', 'tally_1 building']);
    expect(await readCheckpoint(database.pool, TALLY, 'tally_1')).toMatchObject({ position: 5n });
    expect(await readCheckpoint(database.pool, TALLY, 'public')).toBeNull();
  });

  it('one that was begun by other code gives way to a new one, unless somebody builds it', async () => {
    await begin();
    await database.pool.query(`UPDATE projections SET code_hash = 'other:x' WHERE schema_name = 'tally_1'`);
    const builder = await LeaderSession.open(database.url, TALLY, noIoSteps);
    expect(await builder.tryLead(TALLY, 'tally_1')).toBe(true);
    expect((await listGenerations(database.pool, TALLY))[1]!.leader).not.toBeNull();
    await expect(begin()).rejects.toThrow(GenerationError);
    await builder.close();
    expect(await begin()).toMatchObject({ resumed: false, position: 0n });
    expect(await begin('fold-1:sums-1', 2)).toMatchObject({ resumed: false });
    expect(await states()).toHaveLength(2);
  });

  it('promotion flips both in one transaction, under a new epoch', async () => {
    await begin();
    await stand('public', 7);
    await stand('tally_1', 7);
    const before = (await readCheckpoint(database.pool, TALLY))!;
    expect(await promote('tally_1')).toEqual({ retired: 'public', live: 'tally_1', position: 7n });
    const after = (await readCheckpoint(database.pool, TALLY))!;
    expect(after).toMatchObject({ schemaName: 'tally_1', position: 7n });
    expect(after.epoch).not.toBe(before.epoch);
    expect(await states()).toEqual(['tally_1 live', 'public retired']);
  });

  it('refuses to promote what is behind, gone or not settled, and changes nothing then', async () => {
    await begin();
    await stand('public', 7);
    await stand('tally_1', 6);
    await expect(promote('tally_1')).rejects.toThrow(/behind the live one/);
    await expect(promote('tally_9')).rejects.toThrow(GenerationError);
    await expect(promote('tally_1', () => Promise.reject(new Error('late')))).rejects.toThrow('late');
    expect(await states()).toEqual(['public live', 'tally_1 building']);
  });

  it('a live batch that waits for a promotion is refused, though the new row stands where it goes on from', async () => {
    const session = await LeaderSession.open(database.url, TALLY, noIoSteps);
    const handler = new TallyProjection(database.pool);
    await begin();
    const live = { schemaName: 'public', status: 'live' } as const;
    await session.writeBatch(handler, live, [], 0n, 7n, 1);
    await stand('tally_1', 7);
    let late!: Promise<unknown>;
    await promote('tally_1', () => {
      late = session.writeBatch(handler, live, [], 7n, 8n, 1).catch((error: unknown) => error);
      return Promise.resolve();
    });
    expect(await late).toMatchObject({ code: 'checkpoint_conflict' });
    await expect(session.writeBatch(handler, live, [], 7n, 8n, 1)).rejects.toMatchObject({
      code: 'checkpoint_conflict',
    });
    expect(await readCheckpoint(database.pool, TALLY)).toMatchObject({ position: 7n });
    await session.close();
  });

  it('the live one is never dropped; a retired one when nobody can be reading it any more', async () => {
    await begin();
    const drop = (schema: string, patience?: number) =>
      work((client) => dropGeneration(client, TALLY, schema, patience));
    await expect(drop('public')).rejects.toThrow(GenerationError);
    await withTransaction(
      database.pool,
      async (reader) => {
        await reader.query('SELECT FROM tally_1.t');
        expect(await drop('tally_1', 200)).toBe(false);
      },
      { isolation: 'repeatable read', readOnly: true },
    );
    expect(await drop('tally_1')).toBe(true);
    expect(await states()).toEqual(['public live']);
    await expect(database.pool.query('SELECT FROM tally_1.t')).rejects.toMatchObject({ code: '42P01' });
  });

  it('a runner of the live tables does not touch those being built', async () => {
    await begin();
    const { lastPosition } = await new EventLog(database.pool).append({ events: [jobEvent('s')] });
    const runner = tallyRunner(database, new TallyProjection(database.pool));
    runner.start();
    await runner.whenPosition(lastPosition!);
    await runner.stop();
    expect(await readCheckpoint(database.pool, TALLY, 'tally_1')).toMatchObject({ position: 0n });
  });
});
