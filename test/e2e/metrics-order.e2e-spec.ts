import fc from 'fast-check';
import { Line } from './support/line.js';
import { NOW } from './support/small-events.js';
import { worldOf } from './support/metrics-world.js';
import { type SentEvent, startTestSystem } from './support/test-system.js';

const TOKEN = 'token-of-the-test';
/** Says where a process stands or what it is, and not what the events add up to. */
const OF_THE_RUN =
  /^(# \w+ )?(process_|nodejs_|quipu_projection_position|quipu_ingest|quipu_events_created|\w+_created)/;

/** Both expositions after the events came in this order and in these pieces; `away`: without Redis for the API. */
async function expositions(pieces: readonly (readonly SentEvent[])[], away = false): Promise<string[]> {
  let line: Line | undefined;
  const system = await startTestSystem({
    now: NOW,
    env: { QUIPU_METRICS_TOKEN: TOKEN, QUIPU_PUBLIC_METRICS: 'full' },
    apiRedisUrl: async (url) => (line = await Line.to(url)).url,
  });
  try {
    for (const piece of pieces) if (piece.length > 0) await system.report(piece);
    if (away) await line!.cut();
    const found: string[] = [];
    for (const url of ['/metrics?format=openmetrics', '/api/1.0/open-metrics/?format=openmetrics']) {
      const { statusCode, body } = await system.request({
        ...{ method: 'GET' as const, url },
        headers: url.startsWith('/metrics') ? { authorization: `Bearer ${TOKEN}` } : {},
      });
      expect(statusCode).toBe(200);
      found.push(
        body
          .split('\n')
          .filter((line) => !OF_THE_RUN.test(line))
          .join('\n'),
      );
    }
    return found;
  } finally {
    await system.stop();
    await line!.cut();
  }
}

describe('the exposition', () => {
  const events = ['superadmin', 'acme'].flatMap(worldOf);
  let expected: string[];

  beforeAll(async () => {
    expected = await expositions([events]);
    expect(expected.join('\n').split('\n').length).toBeGreaterThan(400);
  }, 30_000);

  it('is the same whatever order the events came in, and in whatever pieces', async () => {
    const order = fc.record({
      shuffled: fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
      cuts: fc.array(fc.nat(events.length), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(order, async ({ shuffled, cuts }) => {
        const ends = [...cuts.sort((a, b) => a - b), events.length];
        const pieces = ends.map((end, i) => shuffled.slice(ends[i - 1] ?? 0, end));
        expect(await expositions(pieces)).toEqual(expected);
      }),
      { numRuns: 4, endOnFailure: true },
    );
  }, 60_000);

  it('is the same from Postgres, while Redis is away', async () => {
    expect(await expositions([events], true)).toEqual(expected);
  }, 30_000);
});
