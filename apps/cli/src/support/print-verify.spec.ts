import { printed } from '../../../../test/int/cli/printed.js';
import type { Difference, VerifyReport } from '../verify/report.js';
import { printVerifyReport } from './print-verify.js';

const NOTHING = { busyMs: '0', idleMs: '0', offlineMs: '0', registeredMs: '0' };
const REPORT: VerifyReport = {
  ...{ ok: true, position: '12', head: '12', epoch: 'e', events: 1_234, skipped: 0, copy: null },
  entities: { jobs: 1, nodes: 2, workers: 1, others: 0 },
  compared: {
    ...{ amount: 10, member: 1, 'usage-key': 0, change: 0, 'level-sum': 0, state: 0, conservation: 18 },
    ...{ 'redis-state': 0, 'redis-total': 0, 'redis-member': 0, digest: 1, identity: 4, archive: 0 },
  },
  conservation: { compared: 0, tenants: 0, at: [], platform: NOTHING },
  redis: { compared: true },
  ...{ differences: 0, examples: [], takenMs: 0, elapsedMs: 1_000 },
};

const reported = (report: Partial<VerifyReport>): string =>
  printed((terminal) => printVerifyReport(terminal, { ...REPORT, ...report }));

describe('what verify prints', () => {
  it('says what the slots of workers were for, exactly', () => {
    expect(reported({})).toContain('  slots     no worker is known\n');
    const platform = {
      ...{ busyMs: '1800000', idleMs: '3600001', offlineMs: '60000' },
      registeredMs: '5460001',
    };
    const conservation = { compared: 18, tenants: 2, at: [], platform };
    expect(reported({ conservation })).toContain(
      '  slots     1,800 s busy, 3,600.001 s idle, 60 s offline of 5,460.001 s registered, 2 tenants\n',
    );
    // Jobs held workers beyond their slots.
    const beyond = { busyMs: '9000', idleMs: '-5000', offlineMs: '2000', registeredMs: '6000' };
    expect(reported({ conservation: { ...conservation, platform: beyond } })).toContain(
      '  slots     6 s busy, 0 s idle, 0 s offline of 6 s registered, 2 tenants\n',
    );
  });

  it('lists slots that are lost as it lists every difference', () => {
    const lost: Difference = {
      ...{
        kind: 'conservation' as const,
        key: 'tenant=acme at=2026-01-01T00:00:00.000Z by days',
        entities: [],
      },
      ...{ expected: '5 ms registered', found: '1 ms busy + 2 ms idle + 3 ms offline = 6 ms' },
    };
    const text = reported({ ok: false, differences: 1, examples: [lost] });
    expect(text).toMatch(/^verify {2}1 difference\n/);
    expect(text).toContain('  ✗ conservation tenant=acme at=2026-01-01T00:00:00.000Z by days\n');
    expect(text).toContain('      5 ms registered, found 1 ms busy + 2 ms idle + 3 ms offline = 6 ms\n');
  });
});
