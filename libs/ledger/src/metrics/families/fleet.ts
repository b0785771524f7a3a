import { type LabelValues, type MetricFamily } from '../types.js';
import { type WorkerView } from '../../entities/worker/worker.js';
import { accruing, values } from '../define.js';
import { busyRatios, RATIO_SCALE, slotStates } from './slots.js';

const flag = (value: boolean): string => (value ? '1' : '0');

/** Labels of a worker as Debusine has them. @param nameOf the label name an architecture becomes a part of. */
function workerLabels(worker: WorkerView, nameOf: (architecture: string) => string): LabelValues {
  const labels: Record<string, string> = {
    busy: flag(worker.busy),
    connected: flag(worker.connected),
    host_architecture: worker.hostArchitecture,
    worker_pool: worker.pool,
    worker_type: worker.type,
  };
  for (const architecture of worker.architectures) labels[`architecture_${nameOf(architecture)}`] = '1';
  return labels;
}

/** Names of labels may hold letters, digits and underscores; architectures hold dashes too. */
function legalName(architecture: string): string {
  return architecture.replace(/[^A-Za-z0-9_]/gu, '_');
}

/** Families of workers, pools and instances. */
export const fleetFamilies: readonly MetricFamily[] = [
  values({
    name: 'workers',
    dialect: 'debusine',
    help: 'Number of Workers',
    labels: ['connected', 'busy', 'worker_type', 'worker_pool', 'host_architecture'],
    tenantLabel: null,
    audience: 'fleet',
    openLabels: 'architecture_',
    zeroRows: { connected: ['0', '1'], busy: ['0', '1'], worker_type: ['external', 'celery', 'signing'] },
    hidden: ['worker_pool'],
    of: {
      worker: (worker, to) => {
        if (worker.present) to.add(1, workerLabels(worker, legalName));
      },
    },
  }),
  values({
    name: 'workers_enabled',
    dialect: 'quipu',
    help: 'Workers that may take jobs, with their architectures as they are; for the service status.',
    labels: ['connected', 'busy', 'worker_type', 'worker_pool', 'host_architecture'],
    tenantLabel: null,
    audience: 'internal',
    openLabels: 'architecture_',
    of: {
      worker: (worker, to) => {
        if (worker.present && worker.enabled)
          to.add(
            1,
            workerLabels(worker, (architecture) => architecture),
          );
      },
    },
  }),
  values({
    name: 'quipu_workers',
    dialect: 'quipu',
    help: 'Workers by what they are doing now.',
    labels: ['pool', 'type', 'state'],
    tenantLabel: null,
    audience: 'fleet',
    hidden: ['pool'],
    of: {
      worker: ({ present, connected, busy, pool, type }, to) => {
        if (present) to.add(1, { pool, type, state: !connected ? 'offline' : busy ? 'busy' : 'idle' });
      },
    },
  }),
  accruing({
    name: 'quipu_worker_state_seconds',
    stored: 'worker_seconds',
    dialect: 'quipu',
    help: 'Time that slots of workers were busy, idle and offline: a worker has as many as jobs it can hold at once.',
    unit: 'seconds',
    labels: ['pool', 'state'],
    tenantLabel: null,
    audience: 'fleet',
    hidden: ['pool'],
    shown: slotStates,
    shownBy: ['pool'],
    of: {
      worker: ({ times, pool }, to) => {
        if (times === null) return;
        const { registered, connected, busy } = times;
        to.accrued(registered.base, registered.rate, { pool, state: 'registered' });
        to.accrued(connected.base, connected.rate, { pool, state: 'connected' });
        to.accrued(busy.base, busy.rate, { pool, state: 'busy' });
      },
    },
  }),
  values({
    name: 'quipu_worker_slots',
    stored: 'worker_seconds:rate',
    dialect: 'quipu',
    help: 'Slots of workers by what they are doing now.',
    labels: ['pool', 'state'],
    tenantLabel: null,
    audience: 'fleet',
    hidden: ['pool'],
    shown: slotStates,
    shownBy: ['pool'],
    of: {},
  }),
  values({
    name: 'quipu_pool_busy_ratio',
    stored: 'worker_seconds:rate',
    dialect: 'quipu',
    help: 'Part of the slots of a pool that is busy, of those whose workers are in touch; 0 without any.',
    unit: 'ratio',
    folds: 'max',
    labels: ['pool'],
    tenantLabel: null,
    audience: 'fleet',
    hidden: ['pool'],
    scale: RATIO_SCALE,
    shown: busyRatios,
    of: {},
  }),
  accruing({
    name: 'worker_pool_runtime',
    dialect: 'debusine',
    type: 'gauge',
    help: 'Execution time of WorkerPools',
    labels: ['worker_pool'],
    tenantLabel: null,
    audience: 'fleet',
    hidden: ['worker_pool'],
    of: {
      instance: (lives, to) => {
        for (const { intervals } of lives) {
          for (const { start, end, fields } of intervals) {
            if (fields.pool !== undefined) to.accrue(start, end, 1, { worker_pool: fields.pool });
          }
        }
      },
      worker_pool: ({ id }, to) => to.exists({ worker_pool: id }),
    },
  }),
  values({
    name: 'quipu_instances',
    dialect: 'quipu',
    help: 'Instances of pools that are up.',
    labels: ['pool'],
    tenantLabel: null,
    audience: 'fleet',
    hidden: ['pool'],
    of: {
      instance: (lives, to) => {
        for (const { intervals } of lives) {
          const last = intervals.at(-1);
          if (last?.end === null) to.add(1, { pool: last.fields.pool ?? '' });
        }
      },
    },
  }),
];
