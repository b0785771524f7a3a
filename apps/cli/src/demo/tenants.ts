/** One tenant of the demo and how busy it is. */
export interface DemoTenant {
  readonly id: string;
  readonly users: readonly [string, ...string[]];
  readonly queues: readonly [string, ...string[]];
  readonly clusters: readonly [string, ...string[]];
  readonly tasks: readonly [string, ...string[]];
  /** Mean time between two jobs. */
  readonly arrivalMs: number;
  /** Shortest and longest run time of a job. */
  readonly runMs: readonly [number, number];
  readonly maxNodes: number;
}

/** The three tenants of the demo. Their names say that nobody real stands behind them. */
export const DEMO_TENANTS: readonly DemoTenant[] = [
  {
    id: 'demo-acme',
    users: ['ada', 'george', 'mary'],
    queues: ['builds', 'tests'],
    clusters: ['acme-east', 'acme-west'],
    tasks: ['compile', 'unit-test', 'package'],
    arrivalMs: 700,
    runMs: [1_500, 6_000],
    maxNodes: 4,
  },
  {
    id: 'demo-globex',
    users: ['hank', 'ines'],
    queues: ['render', 'encode'],
    clusters: ['globex-gpu'],
    tasks: ['frame', 'clip'],
    arrivalMs: 1_200,
    runMs: [3_000, 12_000],
    maxNodes: 5,
  },
  {
    id: 'demo-initech',
    users: ['milton', 'peter'],
    queues: ['reports'],
    clusters: ['initech-main'],
    tasks: ['tps-report', 'invoice'],
    arrivalMs: 2_500,
    runMs: [800, 4_000],
    maxNodes: 2,
  },
];
