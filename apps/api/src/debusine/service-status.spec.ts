import type { Totals, TotalSeries } from '@quipu/read-models';
import { PLATFORM_VIEW } from '../metrics/metrics-view.js';
import { ServiceStatuses } from './service-status.js';

const SERIES = 5_000;

describe('the service status', () => {
  it('looks at the totals once while they stand still, and lets the event loop turn', async () => {
    const series = new Map<string, TotalSeries>();
    for (let i = 0; i < SERIES; i += 1) {
      const labels = { task_type: 'Worker', status: 'pending', host_architecture: 'amd64' };
      series.set(String(i), { tenant: 't', labels, value: '2' });
    }
    const requests = { name: 'work_requests', series, structure: 1 };
    const none = { name: '', series: new Map<string, TotalSeries>(), structure: 0 };
    const at = (position: bigint): Totals => ({
      ...{ position, source: 'redis', members: () => Promise.resolve([]) },
      family: (name) => (name === 'work_requests' ? requests : none),
    });
    let [looked, inTurn, most] = [0, 0, 0];
    const view = { ...PLATFORM_VIEW, sees: () => ((looked += 1), (inTurn += 1), true) };
    let ended = false;
    const tick = (): void => {
      most = Math.max(most, inTurn);
      inTurn = 0;
      if (!ended) setImmediate(tick);
    };
    setImmediate(tick);
    const statuses = new ServiceStatuses();
    const first = await statuses.of(at(1n), view);
    expect(first.tasks['Worker']).toEqual({ pending: 2 * SERIES, running: 0 });
    expect(await statuses.of(at(1n), view)).toBe(first);
    expect(looked).toBe(SERIES);
    series.get('0')!.value = '3';
    const later = await statuses.of(at(2n), view);
    ended = true;
    expect(later.tasks['Worker']!.pending).toBe(2 * SERIES + 1);
    expect(most).toBeLessThan(SERIES / 4);
  });
});
