import { Agent, request } from 'node:http';
import { KeyStore, Principals, TenantDirectory } from '@quipu/access';
import { toCloudEvent } from '@quipu/contracts';
import { runApi } from '../support/api.js';
import { CommandFailedError } from '../support/exit-codes.js';
import { formatCount, formatRate } from '../support/numbers.js';
import { type CommandProjector } from '../support/projector.js';
import { jobStep } from './job-step.js';
import { type BenchRow } from './bench-row.js';
import { type BenchContext, onStage, type Stage, until, withProjector } from './stage.js';

const TENANT = 'bench';
/** Requests under way at a time, as many programs that report would have. */
const CONNECTIONS = 32;

/** How many events, and how many of them to a request. */
const CASES = [
  { events: 20_000, batch: 1, name: 'one event a request' },
  { events: 200_000, batch: 100, name: '100 events a request' },
] as const;

/** The API without its throttle, which is there to keep one program from doing just this. */
const UNTHROTTLED = {
  ...{ QUIPU_REQUESTS_PER_KEY: '0', QUIPU_REQUESTS_PER_ADDRESS: '0' },
  QUIPU_MAX_QUEUE_LENGTH: '100000000',
};

/**
 * `POST /api/events` of a real API process, with a projector that takes from the queue meanwhile: until the queue
 * holds everything (what 202 says), and until the log does.
 */
export async function benchHttp(context: BenchContext): Promise<BenchRow[]> {
  return onStage(context, (stage) =>
    withProjector(context, stage, async (projector) => {
      const { url } = await runApi(context.cli, stage.services, UNTHROTTLED);
      const secret = await reporterKey(stage);
      const rows: BenchRow[] = [];
      let first = 0;
      for (const { batch, name, ...at1 } of CASES) {
        const events = Math.max(batch, Math.round((at1.events * context.scale) / batch) * batch);
        context.say(`http: ${formatCount(events)} events, ${name}`);
        const door = new Door(url, secret, batch, context.cli.interrupted);
        const { accepted, logged } = await measure(stage, projector, door, { first, events });
        rows.push(
          rowOf(`POST /api/events, ${name}, accepted`, accepted),
          rowOf('  until all of it was in the log', logged),
        );
        first += events;
      }
      return rows;
    }),
  );
}

function rowOf(name: string, perSecond: number): BenchRow {
  return {
    ...{ bench: 'http', name, unit: 'events/s', ours: formatRate(perSecond), reference: '' },
    ...{ oursValue: perSecond, referenceValue: null, ratio: null, floor: null },
  };
}

/** The key of a program of one tenant, as it would be given one. */
async function reporterKey({ pool }: Stage): Promise<string> {
  await new TenantDirectory(pool).ensure(['superadmin', TENANT], 'auto');
  const of = { tenantId: TENANT, name: 'reporter' };
  await new Principals(pool).createPrincipal({ ...of, role: 'reporter' });
  return (await new KeyStore(pool).createKey(of)).secret;
}

async function measure(
  stage: Stage,
  projector: CommandProjector,
  door: Door,
  { first, events }: { first: number; events: number },
): Promise<{ accepted: number; logged: number }> {
  const startedAt = performance.now();
  await door.send(first, events);
  const accepted = performance.now() - startedAt;
  await until(projector, async () => {
    const { rows } = await stage.pool.query<{ count: string }>(
      'SELECT count(*)::text AS count FROM event_ids',
    );
    return Number(rows[0]?.count) >= first + events;
  });
  const logged = performance.now() - startedAt;
  return { accepted: events / (accepted / 1000), logged: events / (logged / 1000) };
}

/** Sends events over connections that are kept. */
class Door {
  constructor(
    private readonly url: string,
    private readonly secret: string,
    private readonly batch: number,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws CommandFailedError if anything is not accepted. */
  async send(first: number, events: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    let next = first;
    const program = async (): Promise<void> => {
      while (next < first + events) {
        const from = next;
        next += this.batch;
        this.signal.throwIfAborted();
        await this.post(agent, this.body(from));
      }
    };
    try {
      await Promise.all(Array.from({ length: CONNECTIONS }, program));
    } finally {
      agent.destroy();
    }
  }

  private body(from: number): string {
    const events = Array.from({ length: this.batch }, (_, i) => toCloudEvent(jobStep(TENANT, from + i)));
    return JSON.stringify(this.batch === 1 ? events[0] : events);
  }

  private post(agent: Agent, body: string): Promise<void> {
    const form = this.batch === 1 ? 'application/cloudevents+json' : 'application/cloudevents-batch+json';
    return new Promise((done, fail) => {
      const sent = request(`${this.url}/api/events`, {
        ...{ method: 'POST', agent },
        headers: {
          authorization: `Bearer ${this.secret}`,
          ...{ 'content-type': form, 'content-length': Buffer.byteLength(body) },
        },
      });
      sent.once('error', fail);
      sent.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.once('error', fail);
        response.once('end', () => {
          if (response.statusCode === 202 && text.includes(`"accepted":${this.batch}`)) return done();
          fail(new CommandFailedError(`The API answered ${response.statusCode}: ${text.slice(0, 300)}`));
        });
      });
      sent.end(body);
    });
  }
}
