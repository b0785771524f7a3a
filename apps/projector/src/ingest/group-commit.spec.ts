import { GroupCommit, type GroupCommitHooks, type GroupLimits } from './group-commit.js';

/** A commit under the test's control: each call waits until the test lets it succeed or fail. */
function stage(limits: Partial<GroupLimits> = {}) {
  const calls: { items: readonly string[]; succeed: () => void; fail: (error?: Error) => void }[] = [];
  const arrivals: (() => void)[] = [];
  const seen: string[] = [];
  let probe: () => Promise<void> = () => Promise.resolve();
  const hooks: GroupCommitHooks<string> = {
    commit: (items) =>
      new Promise((resolve, reject) => {
        calls.push({ items, succeed: resolve, fail: (error = new Error('away')) => reject(error) });
        arrivals.shift()?.();
      }),
    probe: () => {
      seen.push('probe');
      return probe();
    },
    onOutage: (error) => seen.push(`outage ${(error as Error).message}`),
    onTrial: () => {
      seen.push('trial');
      arrivals.shift()?.();
    },
    onRecovery: () => seen.push('recovery'),
  };
  const group = new GroupCommit(hooks, { firstBackOffMs: 1, longestBackOffMs: 2, ...limits });
  return {
    group,
    seen,
    add: (item: string, events = 1, bytes = 1) => group.add(item, { events, bytes }),
    /** The next call of commit, as soon as there is one. */
    call: async () => {
      if (calls.length === 0) await new Promise<void>((resolve) => arrivals.push(resolve));
      return calls.shift()!;
    },
    nextHook: () => new Promise<void>((resolve) => arrivals.push(resolve)),
    setProbe: (next: () => Promise<void>) => (probe = next),
  };
}

describe('GroupCommit', () => {
  it('commits together what arrives together, and while a commit is under way', async () => {
    const { add, call } = stage();
    const first = [add('a'), add('b')];
    const one = await call();
    expect(one.items).toEqual(['a', 'b']);
    const second = [add('c'), add('d'), add('e')];
    one.succeed();
    expect(await Promise.all(first)).toEqual(['committed', 'committed']);
    const two = await call();
    expect(two.items).toEqual(['c', 'd', 'e']);
    two.succeed();
    expect(await Promise.all(second)).toEqual(['committed', 'committed', 'committed']);
  });

  it('keeps groups below their limits, but takes an item that is above them alone', async () => {
    const { add, call } = stage({ maxEvents: 10, maxBytes: 100 });
    void Promise.all([add('a', 6), add('b', 4), add('c', 50), add('d', 1, 60), add('e', 1, 60)]);
    const groups: (readonly string[])[] = [];
    for (let i = 0; i < 4; i += 1) {
      const { items, succeed } = await call();
      groups.push(items);
      succeed();
    }
    expect(groups).toEqual([['a', 'b'], ['c'], ['d'], ['e']]);
  });

  it('holds items through a short outage and tells of it once', async () => {
    const { add, call, seen } = stage();
    const settled = add('a');
    (await call()).fail();
    (await call()).fail();
    (await call()).succeed();
    expect(await settled).toBe('committed');
    expect(seen).toEqual(['outage away', 'recovery']);
  });

  it('returns everything when the outage lasts, and lets one item come after a good probe', async () => {
    const { add, call, seen, setProbe, nextHook } = stage({ holdMs: 0 });
    let probes = 0;
    setProbe(() => ((probes += 1) < 3 ? Promise.reject(new Error('still away')) : Promise.resolve()));
    const settled = [add('a'), add('b')];
    const failing = await call();
    const late = add('late');
    failing.fail();
    (await call()).fail();
    expect(await Promise.all([...settled, late])).toEqual(['returned', 'returned', 'returned']);
    expect(await add('while resting')).toBe('returned');
    await nextHook();
    expect(seen).toEqual(['outage away', 'probe', 'probe', 'probe', 'trial']);
    const trial = add('c');
    (await call()).succeed();
    expect(await trial).toBe('committed');
    expect(seen.at(-1)).toBe('recovery');
  });

  it('rests again at once when the trial fails', async () => {
    const { add, call, seen, nextHook } = stage({ holdMs: 0 });
    const first = add('a');
    (await call()).fail();
    (await call()).fail();
    expect(await first).toBe('returned');
    await nextHook();
    const trial = add('b');
    (await call()).fail(new Error('disk full'));
    expect(await trial).toBe('returned');
    await nextHook();
    const again = add('c');
    (await call()).succeed();
    expect(await again).toBe('committed');
    expect(seen).toEqual(['outage away', 'probe', 'trial', 'outage disk full', 'probe', 'trial', 'recovery']);
  });

  it('finishes the commit under way when it stops', async () => {
    const { group, add, call } = stage();
    const settled = add('a');
    const { succeed } = await call();
    const stopped = group.stop();
    succeed();
    await stopped;
    expect(await settled).toBe('committed');
  });

  it('returns at once what fails while it stops, and what it held', async () => {
    const { group, add, call } = stage({ firstBackOffMs: 60_000, longestBackOffMs: 60_000 });
    const settled = add('a');
    (await call()).fail();
    await new Promise(setImmediate);
    const stopped = group.stop();
    (await call()).fail();
    expect(await settled).toBe('returned');
    await stopped;
  });
});
