import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killChildren, type Child } from './support/child-process.js';
import { expectEachOnce, openCrashLedger, readSteps, type CrashLedger } from './support/crash-ledger.js';
import { fleetJobs, readFleet } from './support/fleet.js';
import { inParallel } from './support/in-parallel.js';
import { expectExact } from './support/verdict.js';
import { waitFor } from './support/wait-for.js';

const AT_ONCE = 2;
/** Above this many steps not all of them are tried, but each label is, at its first and its last step. */
const MOST_RUNS = 90;

const events = readFleet();
const half = Math.floor(events.length / 2);
/**
 * The second wave comes when the first is settled, so that entities and sums are there to be changed; it repeats
 * some events of the first. Each is one job, so that the steps of a run are the same every time, or nearly.
 */
const waves = [
  { from: 0, to: half },
  { from: half - 10, to: events.length },
];
const directory = mkdtempSync(join(tmpdir(), 'quipu-kill-points-'));

afterEach(killChildren);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a projector killed at an I/O step', () => {
  it('comes back, with every event in the log once and every number exact', async () => {
    const labels = await countSteps();
    const chosen = choose(labels);
    const killedAt = new Map<string, number>();
    const outlived: (number | string)[] = [];

    const tryEach = (places: readonly (number | string)[]): Promise<string[]> =>
      inParallel(places, AT_ONCE, async (place) => {
        const label = await killAt(place);
        if (label === null) outlived.push(place);
        else killedAt.set(label, (killedAt.get(label) ?? 0) + 1);
      });

    const failures = await tryEach(chosen);
    // Ingest and projection run side by side: a number may have fallen on another label than in the count.
    const missed = [...new Set(labels)].filter((label) => !killedAt.has(label));
    failures.push(...(await tryEach(missed)));

    report(labels, [...chosen, ...missed], killedAt, outlived);
    expect(failures).toEqual([]);
    expect([...killedAt.keys()].toSorted()).toEqual([...new Set([...labels, ...killedAt.keys()])].toSorted());
  }, 1_200_000);
});

/** Runs the waves undisturbed and returns the label of each step. */
async function countSteps(): Promise<string[]> {
  const file = join(directory, 'count');
  const ledger = await openCrashLedger();
  try {
    const projector = ledger.startProjector({ QUIPU_COUNT_STEPS: file });
    await feed(ledger, projector);
    const labels = readSteps(file);
    await projector.stop();
    await expectRecovered(ledger);
    return labels;
  } finally {
    await ledger.drop();
  }
}

/**
 * Runs the waves, killed at a step (its number or its label), then again to its end. Returns the label of that
 * step, or null if the run came to its end without reaching it (how events share a batch is not the same every
 * time).
 */
async function killAt(place: number | string): Promise<string | null> {
  const file = join(directory, `kill-${place}`);
  const ledger = await openCrashLedger();
  try {
    const faults = { QUIPU_KILL_AT_STEP: String(place), QUIPU_COUNT_STEPS: file };
    const first = ledger.startProjector(faults);
    await feed(ledger, first);
    const killed = first.exit()?.signal === 'SIGKILL';
    await first.stop();
    const second = ledger.startProjector();
    await ledger.whenSettled(events.length, second);
    await second.stop();
    await expectRecovered(ledger);
    return killed ? (readSteps(file).at(-1) ?? null) : null;
  } finally {
    await ledger.drop();
  }
}

/** Sends wave after wave, each when the one before is settled or the projector is gone. */
async function feed(ledger: CrashLedger, projector: Child): Promise<void> {
  for (const { from, to } of waves) {
    await ledger.enqueue(fleetJobs(events.slice(from, to), 1));
    const over = async (): Promise<boolean> => projector.exit() !== null || ledger.isSettled(to);
    const explain = (): string => projector.output().slice(-4_000);
    await waitFor('the projector to be killed or done', over, { withinMs: 60_000, explain });
  }
}

async function expectRecovered(ledger: CrashLedger): Promise<void> {
  await expectEachOnce(ledger, events);
  const { rows } = await ledger.pool.query<{ reason: string }>('SELECT reason FROM dead_letters');
  expect(rows).toEqual([{ reason: 'malformed' }]);
  expect(await ledger.queue.getFailedCount()).toBe(0);
  await expectExact(ledger);
}

/** All steps, or the first and last of each label and an even sample of the others. */
function choose(labels: readonly string[]): number[] {
  const all = labels.map((_, index) => index + 1);
  if (all.length <= MOST_RUNS) return all;
  const ends = new Set(labels.flatMap((label) => [labels.indexOf(label) + 1, labels.lastIndexOf(label) + 1]));
  const others = all.filter((k) => !ends.has(k));
  const room = Math.max(0, MOST_RUNS - ends.size);
  const sample = Array.from({ length: room }, (_, n) => others[Math.floor((n * others.length) / room)]);
  return [...ends, ...sample.filter((k) => k !== undefined)].sort((a, b) => a - b);
}

function report(
  labels: readonly string[],
  tried: readonly unknown[],
  killedAt: ReadonlyMap<string, number>,
  outlived: readonly unknown[],
): void {
  const lines = [...killedAt].map(([label, kills]) => `  ${label}: killed ${kills} times`);
  const late = outlived.length > 0 ? `; ${outlived.length} runs ended before their step` : '';
  // `quipu test` shows standard error only.
  process.stderr.write(
    `Kill points: N = ${labels.length} steps, ${tried.length} tried${late}\n${lines.join('\n')}\n`,
  );
}
