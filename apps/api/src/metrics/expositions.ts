import { SUPERADMIN_TENANT, type TenantDirectory } from '@quipu/access';
import { type Family, type Format, labelText, scaledText, sortFamilies } from '@quipu/exposition';
import { type EntityFamily, metricFamilies, metricFamily } from '@quipu/ledger';
import type { Clock } from '@quipu/platform';
import type { CounterMarks, Totals, TotalsReplica } from '@quipu/read-models';
import { ExpositionBody } from './exposition-body.js';
import { holdMembers } from './held-members.js';
import type { MetricsView } from './metrics-view.js';
import type { OperationalFamilies } from './operational-families.js';
import { processFamilies } from './process-families.js';
import { type FoldedFamily, type Moment, ViewedFamilies } from './viewed-families.js';
import type { Vocabulary } from './vocabulary.js';

/** The order of restic-manager's contract. */
const RESTIC_ORDER = [
  ...['rm_hosts_total', 'rm_hosts_online', 'rm_active_alerts', 'rm_build_info', 'rm_host_agent_online'],
  ...['rm_host_last_backup_timestamp_seconds', 'rm_host_last_backup_success', 'rm_host_repo_size_bytes'],
  ...['rm_host_snapshot_count', 'rm_host_open_alerts', 'rm_host_repo_status', 'rm_job_duration_seconds'],
];

/** Which of the two scrapes. */
export type Scrape = 'debusine' | 'metrics';

/** What {@link Expositions} is made of. */
export interface ExpositionsOptions {
  readonly replica: TotalsReplica;
  /** What counters that accrue have shown. */
  readonly marks: CounterMarks;
  readonly operational: OperationalFamilies;
  readonly tenants: TenantDirectory;
  readonly clock: Clock;
  readonly vocabulary: Vocabulary;
  /** Seconds a body is answered again while the totals stand still. */
  readonly cacheSeconds: number;
  /** Most series of a family. */
  readonly budget: number;
  /** What stands for `rm_` in names of restic-manager's metrics. */
  readonly hostPrefix: string;
}

/** Bodies and prepared views that are kept, the most recently asked for. */
const MOST_KEPT = 64;
/** Bytes of bodies that are kept, uncompressed. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Expositions of the running totals. A body is answered again until the totals have moved, it has aged, or another
 * process has shown more of what accrues; making one costs what there are series, and gives the event loop a turn every
 * fraction of a millisecond.
 */
export class Expositions {
  private readonly bodies = new Map<string, ExpositionBody>();
  private readonly views = new Map<string, ViewedFamilies>();

  constructor(private readonly options: ExpositionsOptions) {}

  /** The exposition a view gets, as of now. @throws when Postgres is away. */
  body(scrape: Scrape, view: MetricsView, format: Format): Promise<ExpositionBody> {
    const key = `${scrape} ${format} ${view.key}`;
    return this.options.replica.use(async (totals) => {
      const now = this.options.clock.now();
      const known = this.bodies.get(key);
      if (known !== undefined && (await this.isFresh(known, totals, now))) return known;
      const families = await this.families(scrape, view, totals, now);
      const accrues = scrape === 'metrics' && this.viewed('quipu', view).accrues;
      // Taken before it is written: what is learned meanwhile may be missing in it.
      const marks = accrues ? { marks: this.options.marks.revision } : {};
      const { position, epoch } = totals;
      const body = await ExpositionBody.of(families, format, { position, epoch, now, ...marks });
      if (this.options.cacheSeconds > 0) this.keepBody(key, body);
      return body;
    });
  }

  private keepBody(key: string, body: ExpositionBody): void {
    keep(this.bodies, key, body);
    let bytes = 0;
    for (const one of this.bodies.values()) bytes += one.bytes.length;
    for (const [oldest, one] of this.bodies) {
      if (bytes <= MOST_BYTES) break;
      bytes -= one.bytes.length;
      this.bodies.delete(oldest);
    }
  }

  private async isFresh(body: ExpositionBody, totals: Totals, now: number): Promise<boolean> {
    const { cacheSeconds, marks } = this.options;
    const age = now - body.madeMs;
    if (body.position !== totals.position || body.epoch !== totals.epoch) return false;
    if (age < 0 || age >= cacheSeconds * 1000) return false;
    if (body.marks === null) return true;
    return body.marks === marks.revision && !(await marks.moved(totals.fallback === 'unreachable'));
  }

  private async families(scrape: Scrape, view: MetricsView, given: Totals, now: number): Promise<Family[]> {
    const counting = this.viewed(scrape === 'debusine' ? 'debusine' : 'quipu', view);
    const totals = await holdMembers(given, counting.memberQuestions(now));
    const moment = await this.moment(view, totals, now);
    const folded: FoldedFamily[] = [];
    if (scrape === 'debusine') {
      const families = await this.viewed('debusine', view).at(moment, folded);
      return sortFamilies(folded.length === 0 ? families : [...families, foldedFamily(folded)]);
    }
    const { operational, hostPrefix } = this.options;
    const restic = await this.viewed('restic', view).at(moment, folded);
    const build = operational.resticBuild(this.resticName('rm_build_info'));
    const order = RESTIC_ORDER.map((name) => name.replace('rm_', hostPrefix));
    const place = ({ name }: Family): number => order.indexOf(name);
    const quipu = await this.viewed('quipu', view).at(moment, folded);
    const own = [...quipu, ...operational.shared(), foldedFamily(folded)];
    if (view.platform) own.push(...(await operational.platform(totals, now, moment.created)));
    return [
      ...[...restic, build].sort((a, b) => place(a) - place(b)),
      ...sortFamilies(own),
      ...(view.platform ? await processFamilies() : []),
    ];
  }

  private async moment(
    view: MetricsView,
    totals: Totals,
    now: number,
  ): Promise<Moment & { readonly created: string }> {
    const { tenants, vocabulary, operational } = this.options;
    const log = await operational.countedLog();
    const ids = (await tenants.list()).map(({ id }) => id).filter((id) => view.sees(id, 'tenant'));
    const scopes = ids.filter((id) => id !== SUPERADMIN_TENANT || ids.length === 1).sort();
    const home = view.whole ? SUPERADMIN_TENANT : (scopes[0] ?? SUPERADMIN_TENANT);
    return {
      ...{ totals, now, log: log.id, created: scaledText(String(log.sinceMs), 1000) },
      zeros: { key: JSON.stringify([scopes]), view, vocabulary, tenants: scopes, home },
    };
  }

  private viewed(dialect: EntityFamily['dialect'], view: MetricsView): ViewedFamilies {
    const key = `${dialect} ${view.key}`;
    const known = this.views.get(key);
    if (known !== undefined) {
      keep(this.views, key, known);
      return known;
    }
    const families = metricFamilies.filter(
      (family): family is EntityFamily => family.dialect === dialect && family.source === 'totals',
    );
    const nameOf = dialect === 'restic' ? (name: string) => this.resticName(name) : (name: string) => name;
    const viewed = new ViewedFamilies(families, view, this.options.budget, nameOf, this.options.marks);
    keep(this.views, key, viewed);
    return viewed;
  }

  private resticName(name: string): string {
    return name.replace(/^rm_/, this.options.hostPrefix);
  }
}

function foldedFamily(folded: readonly FoldedFamily[]): Family {
  const name = 'quipu_series_folded';
  const series = folded.map(({ name: family, series: value }) => ({
    labels: labelText([['family', family]]),
    value,
  }));
  return { name, help: metricFamily(name)?.help ?? '', type: 'gauge', series };
}

/** Puts an entry last and lets go of the oldest beyond the limit. */
function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  kept.delete(key);
  kept.set(key, value);
  if (kept.size <= MOST_KEPT) return;
  const oldest = kept.keys().next();
  if (!oldest.done) kept.delete(oldest.value);
}
