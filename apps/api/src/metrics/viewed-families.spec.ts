import type { Series } from '@quipu/exposition';
import { renderText } from '@quipu/exposition';
import { type EntityFamily, metricFamilies } from '@quipu/ledger';
import { CounterMarks, type Totals, type TotalSeries } from '@quipu/read-models';
import fc from 'fast-check';
import { SLICE } from './breathe.js';
import { ExpositionBody } from './exposition-body.js';
import { aggregateView, type MetricsView, PLATFORM_VIEW } from './metrics-view.js';
import { type FoldedFamily, ViewedFamilies } from './viewed-families.js';
import { NO_VOCABULARY, type Vocabulary } from './vocabulary.js';

interface Growing {
  readonly name: string;
  readonly series: Map<string, TotalSeries>;
  structure: number;
}

/** Totals in memory, changed as the replica changes its own. */
class Store {
  private readonly families = new Map<string, Growing>();

  readonly totals: Totals = {
    ...{ position: 1n, source: 'redis', members: () => Promise.resolve([]) },
    family: (name) => this.of(name),
  };

  set(family: string, tenant: string, labels: Record<string, string>, value: string): void {
    const { series } = this.of(family);
    const key = `${tenant}|${JSON.stringify(labels)}`;
    const known = series.get(key);
    if (known !== undefined && value !== '0') {
      known.value = value;
      return;
    }
    if (value === '0') series.delete(key);
    else series.set(key, { tenant, labels, value });
    this.of(family).structure += 1;
  }

  private of(name: string): Growing {
    let family = this.families.get(name);
    if (family === undefined) this.families.set(name, (family = { name, series: new Map(), structure: 0 }));
    return family;
  }
}

const NAMES = ['sbuild', 'lintian'];
const VOCABULARY: Vocabulary = { ...NO_VOCABULARY, tasks: { Worker: NAMES } };
const ZEROS_OF_A_SCOPE = NAMES.length * 5;

function viewedOf(
  names: readonly string[],
  view: MetricsView,
  budget: number,
  marks = new CounterMarks(null),
): ViewedFamilies {
  const families = metricFamilies.filter((one): one is EntityFamily => names.includes(one.name));
  return new ViewedFamilies(families, view, budget, (name) => name, marks);
}

function tenantsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `t${String(i).padStart(4, '0')}`);
}

async function scrape(viewed: ViewedFamilies, store: Store, view: MetricsView, tenants: readonly string[]) {
  const folded: FoldedFamily[] = [];
  const zeros = { key: tenants.join(), view, vocabulary: VOCABULARY, tenants, home: 'superadmin' };
  const families = await viewed.at({ totals: store.totals, now: 1_000_000, created: '1', zeros }, folded);
  return { families, folded, text: renderText(families, 'text') };
}

function requestOf(name: string, status = 'running'): Record<string, string> {
  return { task_type: 'Worker', task_name: name, status, host_architecture: '', backend: '' };
}

describe('rows of zeros', () => {
  it('never push a family over its budget, and what is left out is said', async () => {
    const store = new Store();
    const viewed = viewedOf(['work_requests'], PLATFORM_VIEW, 25);
    const count = async (tenants: number) => {
      const { families, folded } = await scrape(viewed, store, PLATFORM_VIEW, tenantsOf(tenants));
      return [[...families[0]!.series].length, folded];
    };
    expect(await count(2)).toEqual([20, []]);
    expect(await count(3)).toEqual([25, [{ name: 'work_requests', series: 5 }]]);
    store.set('work_requests', 't0000', requestOf('other'), '1');
    expect(await count(3)).toEqual([25, [{ name: 'work_requests', series: 6 }]]);
    store.set('work_requests', 't0000', requestOf('sbuild'), '1');
    expect(await count(3)).toEqual([25, [{ name: 'work_requests', series: 6 }]]);
    expect(await count(500)).toEqual([25, [{ name: 'work_requests', series: 5_000 - 24 }]]);
    store.set('work_requests', 't0000', requestOf('other'), '0');
    expect(await count(2)).toEqual([20, []]);
  });

  it('are there in the aggregate view, however many tenants it adds up', async () => {
    const view = aggregateView(new Set(['t0001']));
    const viewed = viewedOf(['work_requests'], view, 10_000);
    const { families, folded } = await scrape(viewed, new Store(), view, tenantsOf(5_000));
    const lines = [...(families[0]!.series as Iterable<Series>)].map(({ labels }) => labels);
    expect([lines.length, folded]).toEqual([2 * ZEROS_OF_A_SCOPE, []]);
    expect(lines.filter((labels) => labels.includes('scope=""'))).toHaveLength(ZEROS_OF_A_SCOPE);
  });

  it('give way to a series and come back when it goes', async () => {
    const store = new Store();
    const viewed = viewedOf(['work_requests'], PLATFORM_VIEW, 100);
    const first = (await scrape(viewed, store, PLATFORM_VIEW, ['t'])).text;
    store.set('work_requests', 't', requestOf('sbuild'), '7');
    const second = (await scrape(viewed, store, PLATFORM_VIEW, ['t'])).text;
    expect(second).toBe(first.replace(/(status="running",task_name="sbuild".*) 0/, '$1 7'));
    store.set('work_requests', 't', requestOf('sbuild'), '0');
    expect((await scrape(viewed, store, PLATFORM_VIEW, ['t'])).text).toBe(first);
  });
});

describe('families that are kept between scrapes', () => {
  const NAMES_KEPT = [
    'work_requests',
    'workers',
    'quipu_jobs',
    'task_execution_times',
    'quipu_worker_state_seconds',
  ];
  const tenant = fc.constantFrom('a', 'b', 'c');
  const value = fc.integer({ min: 0, max: 3 }).map(String);
  const change = fc.oneof(
    fc.record({
      ...{ family: fc.constant('work_requests'), tenant, value },
      labels: fc.constantFrom(requestOf('sbuild'), requestOf('other'), requestOf('x', 'pending')),
    }),
    fc.record({
      ...{ family: fc.constant('workers'), tenant, value },
      labels: fc.constantFrom<Record<string, string>[]>(
        { connected: '1', busy: '0', worker_type: 'external', worker_pool: '', host_architecture: '' },
        { connected: '1', busy: '0', worker_type: 'external', worker_pool: '', architecture_amd64: '1' },
      ),
    }),
    fc.record({
      ...{ family: fc.constant('jobs'), tenant, value },
      labels: fc.constantFrom({ queue: 'q', state: 'running' }, { queue: 'q', state: 'waiting' }),
    }),
    fc.record({
      ...{ family: fc.constantFrom('task_execution_times', 'task_execution_times:sum'), tenant, value },
      labels: fc.constantFrom<Record<string, string>[]>({ task_type: 'W', task_name: 'n', le: '+Inf' }),
    }),
    fc.record({
      ...{ family: fc.constantFrom('worker_seconds', 'worker_seconds:rate'), tenant, value },
      labels: fc.constantFrom({ pool: 'p', state: 'busy' }, { pool: 'p', state: 'registered' }),
    }),
  );

  it.each([PLATFORM_VIEW, aggregateView(new Set(['b']))])('say what new ones would ($key)', async (view) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), async (steps) => {
        const store = new Store();
        const marks = new CounterMarks(null);
        const kept = viewedOf(NAMES_KEPT, view, 35, marks);
        for (const changes of steps) {
          for (const { family, tenant, labels, value } of changes) store.set(family, tenant, labels, value);
          const anew = await scrape(viewedOf(NAMES_KEPT, view, 35, marks), store, view, ['a', 'b', 'c']);
          const again = await scrape(kept, store, view, ['a', 'b', 'c']);
          expect([again.text, again.folded]).toEqual([anew.text, anew.folded]);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('a scrape of many series', () => {
  const SERIES = 20_000;

  /** The most things that were looked at without a turn of the event loop between them. */
  async function mostAtOnce(
    view: (look: () => void) => MetricsView,
    fill: (store: Store) => void,
    name: string,
  ) {
    let [things, most, ended] = [0, 0, false];
    const tick = (): void => {
      most = Math.max(most, things);
      things = 0;
      if (!ended) setImmediate(tick);
    };
    const watched = view(() => (things += 1));
    const store = new Store();
    fill(store);
    const viewed = viewedOf([name], watched, 100_000);
    setImmediate(tick);
    const tenants = tenantsOf(name === 'work_requests' ? 3_000 : 1);
    const rounds: number[] = [];
    for (let round = 0; round < 2; round += 1) {
      const { families } = await scrapeOnly(viewed, store, watched, tenants);
      await ExpositionBody.of(families, 'text', { position: 1n, now: 1 });
      rounds.push(most);
      fill(store);
    }
    ended = true;
    return Math.max(...rounds);
  }

  async function scrapeOnly(
    viewed: ViewedFamilies,
    store: Store,
    view: MetricsView,
    tenants: readonly string[],
  ) {
    const zeros = { key: String(tenants.length), view, vocabulary: VOCABULARY, tenants, home: 'superadmin' };
    return { families: await viewed.at({ totals: store.totals, now: 1, created: '1', zeros }, []) };
  }

  const looking = (look: () => void): MetricsView => ({
    ...PLATFORM_VIEW,
    sees: () => (look(), true),
    shown: (_tenant, label) => (look(), label),
  });

  let round = 0;
  const cases: Record<string, (store: Store) => void> = {
    work_requests: (store) => store.set('work_requests', 't', requestOf(`n${(round += 1)}`), '1'),
    artifacts: (store) => {
      for (let i = 0; i < SERIES; i += 1) store.set('artifacts', 't', { category: `c${i}` }, '1');
      store.set('artifacts', 't', { category: `new ${(round += 1)}` }, '1');
    },
    workers: (store) => {
      for (let i = 0; i < SERIES; i += 1) store.set('workers', 't', { worker_pool: `p${i}` }, '1');
      store.set('workers', 't', { [`architecture_${(round += 1)}`]: '1' }, '1');
    },
    quipu_worker_state_seconds: (store) => {
      for (let i = 0; i < SERIES / 2; i += 1) {
        for (const state of ['busy', 'connected'])
          store.set('worker_seconds', 't', { pool: `p${i}`, state }, '1');
      }
    },
    task_execution_times: (store) => {
      for (let i = 0; i < SERIES; i += 1) {
        store.set('task_execution_times', 't', { task_name: `n${i}`, le: '+Inf' }, '1');
      }
    },
  };

  it.each(Object.keys(cases))('never looks at more of %s than a slice in one turn', async (name) => {
    const most = await mostAtOnce(looking, cases[name]!, name);
    expect(most).toBeGreaterThan(0);
    // Each thing is looked at by who it is for, and by what its label says.
    expect(most).toBeLessThanOrEqual(3 * SLICE);
  });
});
