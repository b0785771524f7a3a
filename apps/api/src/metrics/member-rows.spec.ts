import { renderText } from '@quipu/exposition';
import { type EntityFamily, metricFamilies, metricFamily } from '@quipu/ledger';
import { type CountedMembers, CounterMarks, type Totals } from '@quipu/read-models';
import { holdMembers } from './held-members.js';
import { tellWaiting } from './job-rows.js';
import { LabelLayout } from './label-layout.js';
import { ageRows } from './member-rows.js';
import { PLATFORM_VIEW } from './metrics-view.js';
import type { ToldRows } from './told-rows.js';
import { ViewedFamilies } from './viewed-families.js';
import { NO_VOCABULARY } from './vocabulary.js';

/** Totals whose one member set was counted so, while members came and went between one count and the next. */
function totalsOf(family: string, counted: Pick<CountedMembers, 'atLeast' | 'total'>): Totals {
  const labels = family === 'waiting' ? '{"queue":"q"}' : '{}';
  return {
    ...{ position: 1n, source: 'redis' },
    family: (name) => ({ name, series: new Map(), structure: 0 }),
    members: (name) =>
      Promise.resolve(name === family ? [{ tenant: 't', labels, lowest: 0, ...counted }] : []),
  };
}

describe('members that come and go while they are counted', () => {
  it.each([
    [[1, 1, 2, 2, 2, 3, 3], 4, [1, 1, 2, 2, 2, 3, 3, 4]],
    [[3, 2, 2, 4, 3, 4, 4], 3, [3, 3, 3, 4, 4, 4, 4, 4]],
    [[1, 1, 1, 1, 1, 1, 1], 0, []],
  ])('make no bucket smaller than the one below: %p of %p', async (atLeast, total, cumulative) => {
    const family = metricFamily('user_activity') as EntityFamily;
    const layout = new LabelLayout(family, PLATFORM_VIEW, new Set());
    const series = await ageRows(
      totalsOf('user_activity', { atLeast, total }),
      family,
      PLATFORM_VIEW,
      layout,
      1e12,
    );
    const bounds = [...family.buckets!.map(String), '+Inf'];
    const { name, help } = family;
    const text = renderText([{ name, help, type: 'histogram', bounds, series }], 'text');
    const values = [...text.matchAll(/^user_activity_bucket\{.*\} (.*)$/gm)].map(([, value]) =>
      Number(value),
    );
    expect(values).toEqual(cumulative);
  });

  it.each([
    [2, 5, { queued: 3n, delayed: 2n }],
    [5, 4, { queued: undefined, delayed: 5n }],
  ])('leave no queue with less than nothing: %p of %p are delayed', async (later, total, expected) => {
    const found = new Map<string, bigint>();
    const rows = {
      begin: () => undefined,
      end: () => Promise.resolve(),
      tell: (key: string, _: unknown, amount: bigint) => found.set(key.split('\n')[0]!, amount),
    };
    const totals = totalsOf('waiting', { atLeast: [later], total });
    await tellWaiting(totals, PLATFORM_VIEW, 1_000, rows as unknown as ToldRows);
    expect({ queued: found.get('queued'), delayed: found.get('delayed') }).toEqual(expected);
  });
});

describe('members that are counted before anything else', () => {
  it.each([
    ['debusine', 3],
    ['quipu', 2],
    ['restic', 0],
  ])('are all that the families of %s ask for', async (dialect, questions) => {
    const families = metricFamilies.filter(
      (one): one is EntityFamily => one.source === 'totals' && one.dialect === dialect,
    );
    const viewed = new ViewedFamilies(families, PLATFORM_VIEW, 100, (name) => name, new CounterMarks(null));
    const asked: string[] = [];
    const totals: Totals = {
      ...totalsOf('', { atLeast: [], total: 0 }),
      members: (family, bounds) => {
        asked.push(`${family} ${bounds.length}`);
        return Promise.resolve([]);
      },
    };
    const held = await holdMembers(totals, viewed.memberQuestions(1e12));
    expect(asked).toHaveLength(questions);
    const zeros = {
      key: '',
      view: PLATFORM_VIEW,
      vocabulary: NO_VOCABULARY,
      tenants: [],
      home: 'superadmin',
    };
    await viewed.at({ totals: held, now: 1e12, created: '1', zeros }, []);
    expect(asked).toHaveLength(questions);
  });
});
