import { type HostView } from '../../entities/host/host.js';
import { present, values } from '../define.js';
import { type EntityFamily, type MetricFamily } from '../types.js';

const HOST = ['host_id', 'host'];

/** A family of the platform as a whole: one series, added up over hosts. */
function ofHosts(name: string, help: string, counts: (host: HostView) => boolean): EntityFamily {
  return values({
    ...{ name, help, dialect: 'restic', labels: [], tenantLabel: null, audience: 'tenant', zeroRows: {} },
    of: { host: (host, to) => to.add(counts(host) ? 1 : 0, {}) },
  });
}

/** A family with a series per host; `value` undefined: it has none. */
function perHost(
  name: string,
  help: string,
  value: (host: HostView) => number | undefined,
  more: Pick<EntityFamily, 'unit' | 'folds'> = {},
): EntityFamily {
  return present({
    ...{ name, help, dialect: 'restic', labels: HOST, tenantLabel: null, audience: 'tenant' },
    ...more,
    of: {
      host: (host, to) => {
        const found = value(host);
        if (found !== undefined) to.add(found, host.labels);
      },
    },
  });
}

const flag = (value: boolean): number => (value ? 1 : 0);

/** restic-manager's families, in the order of its contract; build information and durations of jobs come from elsewhere. */
export const hostFamilies: readonly MetricFamily[] = [
  ofHosts('rm_hosts_total', 'Total number of enrolled hosts (excludes pending announces).', () => true),
  ofHosts(
    'rm_hosts_online',
    "Number of hosts currently online (status='online').",
    ({ fields }) => fields.online === true,
  ),
  values({
    name: 'rm_active_alerts',
    dialect: 'restic',
    help: 'Open alerts grouped by severity.',
    labels: ['severity'],
    tenantLabel: null,
    audience: 'tenant',
    zeroRows: { severity: ['info', 'warning', 'critical'] },
    of: { alert: ({ severity }, to) => to.add(1, { severity: severity?.v ?? '' }) },
  }),
  perHost(
    'rm_host_agent_online',
    '1 if the agent is currently online, 0 otherwise.',
    ({ fields }) => flag(fields.online === true),
    { folds: 'min' },
  ),
  perHost(
    'rm_host_last_backup_timestamp_seconds',
    "Unix timestamp of the host's most recent backup. Omitted for hosts with no backup yet.",
    ({ fields }) => fields.lastRunAt,
    { unit: 'seconds', folds: 'min' },
  ),
  perHost(
    'rm_host_last_backup_success',
    "1 if the host's most recent backup succeeded, 0 otherwise. Omitted for hosts with no backup yet.",
    ({ fields: { lastRunOutcome } }) =>
      lastRunOutcome === undefined ? undefined : flag(lastRunOutcome === 'success'),
    { folds: 'min' },
  ),
  perHost(
    'rm_host_repo_size_bytes',
    'Latest reported repo size from `restic stats --mode raw-data`. Omitted for hosts with no stats yet.',
    ({ fields }) => fields.repositoryBytes,
    { unit: 'bytes' },
  ),
  perHost(
    'rm_host_snapshot_count',
    "Number of restic snapshots known on the host's repo.",
    ({ fields }) => fields.snapshots ?? 0,
  ),
  perHost(
    'rm_host_open_alerts',
    'Number of currently open alerts attached to this host.',
    ({ openAlerts }) => openAlerts,
  ),
  values({
    name: 'rm_host_repo_status',
    dialect: 'restic',
    help: 'Repo readiness state for the host. Exactly one row per host with status label set.',
    labels: [...HOST, 'status'],
    tenantLabel: null,
    audience: 'tenant',
    of: {
      host: ({ labels, fields }, to) =>
        to.add(1, { ...labels, status: fields.repositoryStatus ?? 'unknown' }),
    },
  }),
];
