import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killChildren } from './support/child-process.js';
import { expectEachOnce, openCrashLedger, readSteps, type CrashLedger } from './support/crash-ledger.js';
import { connectionsSince, leaderOf } from './support/election.js';
import { fleetJobs, manyFleets } from './support/fleet.js';
import { expectExact } from './support/verdict.js';
import { waitFor } from './support/wait-for.js';

const SOON = { withinMs: 60_000 };

const events = manyFleets(4);
const half = events.length / 2;
const earlier = events.slice(0, half);
const later = events.slice(half);

let ledger: CrashLedger;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'quipu-two-projectors-'));
  ledger = await openCrashLedger();
});

afterEach(async () => {
  await killChildren();
  await ledger.drop();
  rmSync(directory, { recursive: true, force: true });
});

describe('two projectors on one database', () => {
  it('have one runner; when it is killed at work, the other takes over', async () => {
    const projectors = new Map(['one', 'two'].map((name) => [name, ledger.startProjector({}, name)]));
    const first = await waitFor('a leader', () => leaderOf(ledger.pool), SOON);
    await ledger.enqueue(fleetJobs(events, 16));
    await waitFor('some events to be projected', checkpointIsPast(0n), SOON);
    projectors.get(first.name)?.signal('SIGKILL');

    const second = await waitFor('another leader', () => leaderOtherThan(first.name), SOON);
    expect([first.name, second.name].toSorted()).toEqual(['one', 'two']);
    await ledger.whenSettled(events.length, projectors.get(second.name));
    await expectEachOnce(ledger, events);
    await expectExact(ledger);
  }, 60_000);
});

describe('a projector that was stopped at work and wakes up after another took over', () => {
  it.each([
    ['before it appends what the queue gave it', 'log.append:before', true],
    ['before it acknowledges what it appended', 'log.append:after', true],
    ['before its transaction begins', 'projection.begin:before', true],
    ['before it moves the checkpoint', 'projection.checkpoint:before', false],
    ['when all is written but the COMMIT', 'projection.commit:before', false],
    ['when the commit is answered but Redis is not written', 'projection.commit:after', true],
  ])(
    'changes nothing: stopped %s',
    async (_, label, dropConnection) => {
      const steps = join(directory, 'steps');
      const stopped = ledger.startProjector(
        { QUIPU_STOP_AT_STEP: label, QUIPU_COUNT_STEPS: steps },
        'stopped',
      );
      const leader = await waitFor('the first to lead', () => leaderOf(ledger.pool), SOON);
      await ledger.enqueue(fleetJobs(earlier, 3));
      await waitFor(`the leader to stop at ${label}`, () => readSteps(steps).includes(label), SOON);

      const other = ledger.startProjector({}, 'other');
      // Within a transaction, Postgres ends the session of a silent client itself.
      if (dropConnection) await ledger.pool.query('SELECT pg_terminate_backend($1)', [leader.backend]);
      await waitFor('the other to lead', () => leaderOtherThan('stopped'), SOON);
      await ledger.enqueue(fleetJobs(later, 3));
      await ledger.whenSettled(events.length, other);
      const before = await fingerprint();

      const { rows } = await ledger.pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
      const since = rows[0]?.now ?? new Date();
      stopped.signal('SIGCONT');
      const standsAgain = () => connectionsSince(ledger.pool, 'stopped', since).then((n) => n > 0);
      await waitFor('the one that woke up to connect again', standsAgain, {
        ...SOON,
        explain: stopped.output,
      });
      expect(await fingerprint()).toEqual(before);
      await expectEachOnce(ledger, events);
      await expectExact(ledger);

      // It forgot what it had folded ahead: when it leads again, it goes on from where the other stood.
      other.signal('SIGKILL');
      await waitFor('the one that woke up to lead again', () => leaderOtherThan('other'), SOON);
      const more = manyFleets(5).slice(events.length);
      await ledger.enqueue(fleetJobs(more, 2));
      await ledger.whenSettled(events.length + more.length, stopped);
      await expectEachOnce(ledger, [...events, ...more]);
      await expectExact(ledger);
    },
    90_000,
  );
});

describe('a transaction that comes late on a connection that survived', () => {
  it('is refused by the database itself', async () => {
    const projector = ledger.startProjector();
    await ledger.enqueue(fleetJobs(earlier, 3));
    await ledger.whenSettled(earlier.length, projector);
    const before = await fingerprint();
    const late = ledger.pool.query(
      `SELECT advance_checkpoint(
         name, schema_name, status, version, 0, position + 1, code_hash, updated_ms + 1)
       FROM projections WHERE status = 'live'`,
    );
    await expect(late).rejects.toMatchObject({ code: 'QP001' });
    expect(await fingerprint()).toEqual(before);
  }, 30_000);
});

function checkpointIsPast(position: bigint): () => Promise<boolean> {
  return async () => BigInt((await ledger.standing()).checkpoint) > position;
}

async function leaderOtherThan(name: string) {
  const leader = await leaderOf(ledger.pool);
  return leader !== null && leader.name !== name && leader;
}

/** Everything that a late write would change, as one hash per store. */
async function fingerprint(): Promise<unknown> {
  const { rows } = await ledger.pool.query(`
    SELECT (SELECT md5(string_agg(a::text, '' ORDER BY a::text)) FROM ledger_1.amounts a) AS amounts,
           (SELECT md5(string_agg(s::text, '' ORDER BY s::text)) FROM ledger_1.level_sums s) AS level_sums,
           (SELECT md5(string_agg(e.state::text, '' ORDER BY e.tenant, e.kind, e.id)) FROM ledger_1.entities e) AS states,
           (SELECT position FROM projections WHERE status = 'live') AS checkpoint`);
  const totals = await ledger.redis.hgetall('{quipu}:totals');
  return { ...rows[0], totals };
}
