import { createHash } from 'node:crypto';
import { catalogue, type EventType, formatTimestamp, type LogEvent, PLATFORM_TENANT } from '@quipu/contracts';
import type { Ending } from './ending.js';
import type { Loss } from './judge.js';
import { connectionOf, type Life } from './life.js';
import { SWEEPER_SOURCE, WORKER_PREFIX } from './selection.js';

/**
 * What is reported of a loss: the ends of its runs, then the loss itself. In this order, because whoever is killed in
 * between leaves a life that is still due, and all is said again, by the same identities.
 */
export function lossReports({ life, known, runs }: Loss): LogEvent[] {
  const { sign, tenant, worker } = life;
  if (sign === null) return [];
  const ends = runs.map(({ run, endedMs }) =>
    report('job.aborted', run.jobTenant, run.job, endedMs, [sign.source, sign.id], {
      ...{ attempt: run.attempt, ...workerFields(life), ...lifeFields(life), estimated: true },
    }),
  );
  if (known) return ends;
  const connectedMs = connectionOf(life);
  const since = connectedMs === null ? {} : { since: formatTimestamp(connectedMs) };
  const loss = report(
    'worker.lost',
    tenant,
    `${WORKER_PREFIX}${worker}`,
    sign.timeMs,
    [sign.source, sign.id],
    {
      ...{ ...lifeFields(life), ...since, estimated: true },
    },
  );
  return [...ends, loss];
}

/** What is reported of an attempt that was ended by estimate when its worker turns out to be alive: that it goes on. */
export function wakingReport(ending: Ending): LogEvent | null {
  const { jobTenant, job, attempt, wokenBy } = ending;
  if (wokenBy === null) return null;
  return report('job.progressed', jobTenant, job, wokenBy.timeMs, [wokenBy.source, wokenBy.id, ending.life], {
    ...{ attempt, ...workerFields(ending) },
  });
}

/**
 * An event whose id is made of all that it says and of the sign of life it leans on: whoever says the same thing says it
 * under the same identity, and nobody says something else under it.
 */
function report(
  type: EventType,
  tenant: string,
  subject: string,
  time: number,
  sign: readonly string[],
  data: Record<string, unknown>,
): LogEvent {
  const dataversion = catalogue[type].version;
  const said = JSON.stringify([type, dataversion, tenant, subject, time, sign, Object.entries(data)]);
  const id = createHash('sha256').update(said).digest('hex');
  return { tenant, source: SWEEPER_SOURCE, id, type, subject, time, dataversion, data };
}

function workerFields({ tenant, worker }: Pick<Life, 'tenant' | 'worker'>): Record<string, unknown> {
  return tenant === PLATFORM_TENANT ? { worker } : { worker, workerTenant: tenant };
}

function lifeFields({ life }: Pick<Life, 'life'>): Record<string, unknown> {
  return life === '' ? {} : { life };
}
