/** Something that was held: `nodes` of a tenant, from an instant to another (ms), or still. */
export interface Holding {
  readonly tenant: string;
  readonly nodes: number;
  readonly from: number;
  readonly to: number | null;
  /** What the parameters of the same names are compared with. */
  readonly facts: Readonly<Record<string, string | undefined>>;
  readonly services: readonly string[];
}

/** A question in the parameters of the Coopr dialect, as they stand in a URL. */
export type CooprQuestion = Readonly<Record<string, string>>;

/** Nanoseconds of a unit. */
const UNITS: Readonly<Record<string, bigint>> = {
  nanoseconds: 1n,
  microseconds: 1_000n,
  milliseconds: 1_000_000n,
  seconds: 1_000_000_000n,
  minutes: 60_000_000_000n,
  hours: 3_600_000_000_000n,
  days: 86_400_000_000_000n,
};

/**
 * The body of the answer to a question, worked out from the documentation alone: each holding is cut with each bucket.
 * @param scope the tenant whose admin asks; null for a superadmin.
 * @param tenant the tenant that the parameter `tenant` stands for.
 */
export function expectedUsage(
  holdings: readonly Holding[],
  { tenant, ...question }: CooprQuestion,
  scope: string | null,
  now: number,
): string {
  const own = holdings.filter((one) => scope === null || one.tenant === scope);
  const { start, end, groupby, timeunit, service, ...facts } = question;
  const matching = own.filter(
    (one) =>
      (tenant === undefined || one.tenant === tenant) &&
      (service === undefined || one.services.includes(service)) &&
      Object.entries(facts).every(([name, value]) => one.facts[name] === value),
  );
  const earliest = own.length === 0 ? 0 : Math.min(...own.map(({ from }) => from));
  const from = start === undefined ? earliest : Number(start) * 1000;
  const to = end === undefined ? now : Number(end) * 1000;
  const single = matching.length === 0 || to <= from || groupby === undefined;
  const edges = single ? [from, to] : edgesOf(from, to, groupby);
  const unit = UNITS[(timeunit ?? 'seconds').toLowerCase()]!;
  const data = edges.slice(1).map((edge, i) => {
    const ms = matching.reduce((sum, one) => {
      const held = Math.min(one.to ?? now, edge, now) - Math.max(one.from, edges[i]!);
      return sum + BigInt(Math.max(0, held)) * BigInt(one.nodes);
    }, 0n);
    return { time: Math.floor(edges[i]! / 1000), value: (ms * 1_000_000n) / unit };
  });
  const buckets = data.map(({ time, value }) => `{"time":${time},"value":${value}}`);
  return `{"start":${Math.floor(from / 1000)},"end":${Math.floor(to / 1000)},"data":[${buckets.join(',')}]}`;
}

/** The window's ends, and the calendar's edges between them (UTC, weeks from Monday). */
function edgesOf(from: number, to: number, unit: string): number[] {
  const edges = [from];
  for (let at = nextEdge(from, unit); at < to; at = nextEdge(at, unit)) edges.push(at);
  return [...edges, to];
}

function nextEdge(after: number, unit: string): number {
  const date = new Date(after);
  if (unit === 'hour') return date.setUTCHours(date.getUTCHours() + 1, 0, 0, 0);
  date.setUTCHours(0, 0, 0, 0);
  if (unit === 'day') return date.setUTCDate(date.getUTCDate() + 1);
  if (unit === 'week') return date.setUTCDate(date.getUTCDate() + ((8 - date.getUTCDay()) % 7 || 7));
  if (unit === 'month') return date.setUTCMonth(date.getUTCMonth() + 1, 1);
  return date.setUTCFullYear(date.getUTCFullYear() + 1, 0, 1);
}
