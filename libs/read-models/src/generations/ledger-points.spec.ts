import { CounterFloors } from './counter-floors.js';
import { ledgerPoints, type PointTotals } from './ledger-points.js';
import { packPoints, shardOf, unpackLines } from './point-shards.js';
import { idPart, lastTen, type MetricPoint, withinBudget } from './points.js';

type Row = readonly [family: string, tenant: string, labels: Record<string, string>, value: number | string];

function totalsOf(rows: readonly Row[], waiting: PointTotals['waiting'] = []): PointTotals {
  return {
    waiting,
    family: (name) => ({
      ...{ name, structure: 1 },
      series: new Map(
        rows
          .filter(([family]) => family === name)
          .map(([, tenant, labels, value], i) => [String(i), { tenant, labels, value: String(value) }]),
      ),
    }),
  };
}

const shown = (points: readonly MetricPoint[]): unknown[] =>
  points.map(({ id, metric, type, value }) => [id, metric, ...(type === 'gauge' ? [] : [type]), value]);

describe('points of the ledger', () => {
  const at = (rows: readonly Row[], waiting?: PointTotals['waiting'], floors = new CounterFloors()) =>
    shown(ledgerPoints(totalsOf(rows, waiting), 100_000, floors));

  it('are a tenant’s jobs and node-seconds, with zeros as long as it has ever sent an event', () => {
    const rows: Row[] = [
      ['jobs', 'acme', { queue: 'a', state: 'running' }, 2],
      ['jobs', 'acme', { queue: 'b', state: 'assigned' }, 1],
      ['jobs', 'acme', { queue: 'b', state: 'completed' }, 9],
      ['quipu_events', 'acme', { type: 'job.queued' }, 12],
      ['quipu_events', 'done', { type: 'job.queued' }, 1],
      ['quipu_node_seconds', 'acme', {}, -150_500],
      ['quipu_node_seconds:rate', 'acme', {}, 2],
    ];
    const waiting = [
      { tenant: 'acme', total: 5, atLeast: [2] },
      { tenant: 'acme', total: 1, atLeast: [0] },
    ];
    expect(at(rows, waiting)).toEqual([
      ['tenant/acme', 'queued', 4],
      ['tenant/acme', 'in_progress', 3],
      ['tenant/acme', 'node_seconds', 'counter', 49.5],
      ['tenant/done', 'queued', 0],
      ['tenant/done', 'in_progress', 0],
      ['tenant/done', 'node_seconds', 'counter', 0],
    ]);
  });

  it('are a pool’s workers, and zeros for a pool that has none', () => {
    const rows: Row[] = [
      ['quipu_workers', 'superadmin', { pool: 'spot', type: 'external', state: 'busy' }, 2],
      ['quipu_workers', 'superadmin', { pool: 'spot', type: 'celery', state: 'idle' }, 3],
      ['quipu_workers', 'superadmin', { pool: 'spot', type: 'celery', state: 'offline' }, 7],
      ['quipu_workers', 'superadmin', { pool: '', type: 'celery', state: 'idle' }, 1],
      ['worker_pool_runtime:n', 'superadmin', { worker_pool: 'empty' }, 1],
    ];
    expect(at(rows)).toEqual([
      ['pool/empty', 'busy', 0],
      ['pool/empty', 'connected', 0],
      ['pool/spot', 'busy', 2],
      ['pool/spot', 'connected', 5],
    ]);
  });

  it('are a file store’s bytes; without a limit nothing is total or free', () => {
    const store = (tenant: string, name: string, used: number, most: number): Row[] => [
      ['file_store_size:n', tenant, { backend: 'local', name }, 1],
      ...(used === 0 ? [] : ([['file_store_size', tenant, { backend: 'local', name }, used]] as Row[])),
      ...(most === 0 ? [] : ([['file_store_max_size', tenant, { backend: 'local', name }, most]] as Row[])),
    ];
    const rows = [
      ...store('superadmin', 'main', 30, 100),
      ...store('superadmin', 'full', 120, 100),
      ...store('superadmin', 'open', 7, 0),
      ...store('acme', 'main', 0, 50),
    ];
    expect(at(rows)).toEqual([
      ...[
        ['datastore/acme/main', 'disk_total', 50],
        ['datastore/acme/main', 'disk_used', 0],
        ['datastore/acme/main', 'disk_available', 50],
      ],
      ...[
        ['datastore/full', 'disk_total', 100],
        ['datastore/full', 'disk_used', 120],
        ['datastore/full', 'disk_available', 0],
      ],
      ...[
        ['datastore/main', 'disk_total', 100],
        ['datastore/main', 'disk_used', 30],
        ['datastore/main', 'disk_available', 70],
      ],
      ['datastore/open', 'disk_used', 7],
    ]);
  });

  it('let no name reach into another id', () => {
    expect(['a/b', '100%', 'x\n', 'Zürich', 'd'].map(idPart)).toEqual([
      'a%2Fb',
      '100%25',
      'x%0A',
      'Zürich',
      'd',
    ]);
  });
});

describe('a generation', () => {
  it('is of the last ten, and holds whole things up to its budget', () => {
    expect([0, 9_999, 10_000, 1_699_999_999_999].map(lastTen)).toEqual([0, 0, 10, 1_699_999_990]);
    const points = ['a', 'a', 'b', 'b', 'b'].map((id) => ({
      id,
      metric: 'm',
      type: 'gauge' as const,
      value: 1,
    }));
    expect([0, 1, 2, 4, 5].map((most) => withinBudget(points, most).points.length)).toEqual([0, 0, 2, 2, 5]);
    expect(withinBudget(points, 4).leftOut).toBe(3);
  });

  it('is packed so that all of it, or one id, is read back', () => {
    const ids = ['host', 'pool/x', ...Array.from({ length: 300 }, (_, i) => `tenant/t${i}`)];
    const points = ids.map((id) => ({ id, metric: 'm', type: 'gauge' as const, value: id.length }));
    const packed = packPoints(points, 1_700_000_000);
    const all = [...packed.values()].flatMap((shard) => unpackLines(shard)).map((line) => JSON.parse(line));
    expect(all).toHaveLength(302);
    expect(all).toEqual(
      expect.arrayContaining(points.map((point) => ({ ...point, timestamp: 1_700_000_000 }))),
    );
    const own = unpackLines(packed.get(shardOf('tenant/t7'))!, 'tenant/t7');
    expect(own.map((line) => JSON.parse(line).id)).toEqual(['tenant/t7']);
    expect(unpackLines(packPoints([], 1).get('common')!)).toEqual([]);
  });
});
