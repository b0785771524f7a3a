import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CooprInput, CooprPlay, roleOf } from './support/coopr-case.js';

interface Expected {
  readonly status?: number;
  readonly contentType?: string | null;
  readonly body?: unknown;
  readonly snapshot?: unknown;
}

interface ConformanceCase {
  readonly id: string;
  readonly input: CooprInput;
  readonly expected: Expected;
  /** Where the original's arithmetic is wrong: what exact accounting gives. */
  readonly arithmeticallyCorrectBody?: unknown;
}

/** Cases answered otherwise, and what is answered instead (docs/compatibility.md says why). */
const DEVIATIONS: Readonly<Record<string, Expected>> = {
  'coopr.error.usage_missing_apikey_ok': {
    status: 401,
    body: 'Coopr-UserID, Coopr-ApiKey and Coopr-TenantID do not belong together.',
  },
  'coopr.node_usage.end_zero_no_groupby': {
    status: 200,
    body: { start: 1, end: 0, data: [{ time: 1, value: 0 }] },
  },
  'coopr.node_usage.groupby_month_is_30_days': {
    status: 200,
    body: {
      start: 0,
      end: 7776000,
      data: [
        { time: 0, value: 31 },
        { time: 2678400, value: 28 },
        { time: 5097600, value: 31 },
      ],
    },
  },
  'coopr.node_usage.groupby_year_is_360_days': {
    status: 200,
    body: {
      start: 0,
      end: 62208000,
      data: [
        { time: 0, value: 365 },
        { time: 31536000, value: 355 },
      ],
    },
  },
  'coopr.node_usage.negative_start': {
    status: 200,
    body: { start: -5, end: 20, data: [{ time: -5, value: 19 }] },
  },
  'coopr.node_usage.sub_second_truncated_per_node': {
    status: 200,
    body: { start: 10, end: 20, data: [{ time: 10, value: 3 }] },
  },
};

/** Refusals that come before the question whether the caller is an admin. */
const BEFORE_ADMIN = new Set([401, 404, 405]);
const FORBIDDEN: Readonly<Record<string, string>> = {
  '/v2/metrics/queues': 'Forbidden to get queue metrics.',
  '/v2/metrics/nodes/usage': 'Forbidden to get node usage metrics.',
};

const ours = join(import.meta.dirname, '../fixtures/coopr-cases.json');
const theirs = join(import.meta.dirname, '../../../shared/conformance/coopr.json');
const read = (path: string): ConformanceCase[] =>
  (JSON.parse(readFileSync(path, 'utf8')) as { cases: ConformanceCase[] }).cases;

function suite(cases: readonly ConformanceCase[]): void {
  it.each(cases.map((one) => [one.id, one] as const))('%s', async (id, one) => {
    const { input, expected, arithmeticallyCorrectBody: exact } = one;
    const play = await CooprPlay.of(input);
    try {
      if (expected.snapshot !== undefined) return await expectSnapshot(play, input, expected.snapshot);
      const request = input.request!;
      const wanted = DEVIATIONS[id] ?? (exact === undefined ? expected : { status: 200, body: exact });
      const tenant = request.headers['Coopr-TenantID'] ?? '';
      const user = request.headers['Coopr-UserID'] ?? '';
      const asAdmin =
        roleOf(tenant, user) === 'user' && !BEFORE_ADMIN.has(wanted.status!) && wanted.status !== 403;
      if (asAdmin) {
        // Documented: only admins may ask. The value is checked with an admin of the same tenant.
        const refused = await play.send(request);
        expect([refused.statusCode, refused.body]).toEqual([403, FORBIDDEN[request.path]]);
      }
      const answer = await play.send(request, asAdmin ? 'admin' : undefined);
      expect(answer.statusCode).toBe(wanted.status);
      if (typeof wanted.body === 'string') expect(answer.body).toBe(wanted.body);
      else expect(JSON.parse(answer.body)).toEqual(wanted.body);
      if (wanted.contentType === null) expect(answer.headers['content-type']).toBeUndefined();
      else if (wanted.contentType !== undefined)
        expect(answer.headers['content-type']).toBe(wanted.contentType);
    } finally {
      await play.stop();
    }
  });
}

/** Cases without an HTTP surface of their own: what the queue holds is what a superadmin sees of that tenant. */
async function expectSnapshot(play: CooprPlay, input: CooprInput, snapshot: unknown): Promise<void> {
  const headers = { 'Coopr-UserID': 'admin', 'Coopr-ApiKey': 'key', 'Coopr-TenantID': 'superadmin' };
  const answer = await play.send({ path: '/v2/metrics/queues', headers });
  const tenant = input.tenantId ?? input.queueOperations![0]!.tenantId;
  const body = JSON.parse(answer.body);
  expect(body[tenant] ?? { queued: 0, inProgress: 0, total: 0 }).toEqual(snapshot);
}

describe('Coopr, cases of this repository', () => suite(read(ours)));

const conformance = existsSync(theirs) ? describe : describe.skip;
if (!existsSync(theirs))
  process.stderr.write('skipped: the shared Coopr conformance cases are not beside this repository\n');
conformance('Coopr, shared conformance cases', () =>
  suite(existsSync(theirs) ? read(theirs) : [{ id: 'absent', input: {}, expected: {} }]),
);
