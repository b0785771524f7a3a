import type { CurrentEvent } from '@quipu/contracts';
import { noContributions, type Contributions } from './contributions.js';
import type { EntityFold, Folded, HostPart, Part } from './entity-fold.js';
import { compareRanked } from './facts.js';
import { LatestFact, LatestFields } from './latest.js';
import { idOf } from './naive-record.js';
import { add, addPresent } from './samples.js';

const HOST_FIELDS = [
  'name',
  'online',
  'lastRunAt',
  'lastRunOutcome',
  'repositoryBytes',
  'snapshots',
  'repositoryStatus',
] as const;

/** Folds the reports of one host. */
export class NaiveHost implements EntityFold {
  private readonly fields = new LatestFields(HOST_FIELDS);
  private reported = false;

  constructor(
    private readonly tenant: string,
    private readonly subject: string,
  ) {}

  add(event: CurrentEvent): void {
    if (event.type !== 'host.reported') return;
    this.reported = true;
    this.fields.add(event);
  }

  close(): Folded {
    const told = Object.fromEntries(HOST_FIELDS.map((field) => [field, this.fields.get(field)]));
    const { tenant, subject: id } = this;
    const parts: Part[] = this.reported ? [{ root: 'host', tenant, id, says: { reported: told } }] : [];
    return { contributions: noContributions(), parts };
  }
}

const ALERT_RANKS = { 'alert.opened': 0, 'alert.closed': 1 } as const;
type AlertEvent = CurrentEvent<keyof typeof ALERT_RANKS>;

/** Folds the events of one alert. */
export class NaiveAlert implements EntityFold {
  private readonly fields = new LatestFields(['severity', 'host']);
  private readonly state = new LatestFact<AlertEvent>((a, b) =>
    compareRanked(a, b, (fact) => ALERT_RANKS[fact.type]),
  );

  constructor(private readonly tenant: string) {}

  add(event: CurrentEvent): void {
    if (event.type !== 'alert.opened' && event.type !== 'alert.closed') return;
    this.state.add(event);
    this.fields.add(event);
  }

  close(): Folded {
    const contributions = noContributions();
    const parts: Part[] = [];
    if (this.state.latest?.type === 'alert.opened') {
      const { tenant } = this;
      add(contributions, 'rm_active_alerts', tenant, { severity: this.fields.text('severity') }, 1);
      const host = this.fields.text('host');
      if (host !== '') parts.push({ root: 'host', tenant, id: `host/${host}`, says: { alert: true } });
    }
    return { contributions, parts };
  }
}

/** Puts together what reports and alerts say about one host. */
export class HostRoot {
  private told: Readonly<Record<string, unknown>> | undefined;
  private alerts = 0;

  constructor(
    private readonly tenant: string,
    private readonly subject: string,
  ) {}

  /** Takes one more part into account. */
  add(part: HostPart): void {
    if ('reported' in part) this.told = part.reported;
    else this.alerts += 1;
  }

  /** What the host contributes. */
  contributions(): Contributions {
    const to = noContributions();
    if (this.told === undefined) return to;
    const { name, online, lastRunAt, lastRunOutcome, repositoryBytes, snapshots, repositoryStatus } =
      this.told;
    const { tenant } = this;
    const id = idOf('host', this.subject);
    const h = { host_id: id, host: typeof name === 'string' ? name : id };
    const present = (family: string, value: number): void => addPresent(to, family, tenant, h, value);

    const isOnline = Number(online === true);
    add(to, 'rm_hosts_total', tenant, {}, 1);
    add(to, 'rm_hosts_online', tenant, {}, isOnline);
    present('rm_host_agent_online', isOnline);
    if (typeof lastRunAt === 'string') {
      present('rm_host_last_backup_timestamp_seconds', Math.floor(Date.parse(lastRunAt) / 1000));
    }
    if (lastRunOutcome !== undefined) {
      present('rm_host_last_backup_success', Number(lastRunOutcome === 'success'));
    }
    if (typeof repositoryBytes === 'number') present('rm_host_repo_size_bytes', repositoryBytes);
    present('rm_host_snapshot_count', typeof snapshots === 'number' ? snapshots : 0);
    present('rm_host_open_alerts', this.alerts);
    const status = typeof repositoryStatus === 'string' ? repositoryStatus : 'unknown';
    add(to, 'rm_host_repo_status', tenant, { ...h, status }, 1);
    return to;
  }
}
