/** Workers of one kind. */
export interface DemoPool {
  readonly name: string;
  readonly workers: number;
  readonly architectures: readonly string[];
}

/** One tenant of the demo and how busy it is. */
export interface DemoTenant {
  readonly id: string;
  readonly users: readonly [string, ...string[]];
  readonly queues: readonly [string, ...string[]];
  readonly pools: readonly [DemoPool, ...DemoPool[]];
  /** Mean time between two jobs. */
  readonly arrivalMs: number;
  /** Shortest and longest time that the work of a job takes. */
  readonly runMs: readonly [number, number];
  /** Jobs that a worker takes at a time, per queue. */
  readonly concurrency: number;
}

/** The three tenants of the demo. Their names say that nobody real stands behind them. */
export const DEMO_TENANTS: readonly DemoTenant[] = [
  {
    id: 'demo-acme',
    users: ['ada', 'george', 'mary'],
    queues: ['builds', 'tests'],
    pools: [
      { name: 'acme-east', workers: 1, architectures: ['amd64', 'i386'] },
      { name: 'acme-west', workers: 1, architectures: ['arm64'] },
    ],
    arrivalMs: 700,
    runMs: [800, 4_000],
    concurrency: 2,
  },
  {
    id: 'demo-globex',
    users: ['hank', 'ines'],
    queues: ['render', 'encode'],
    pools: [{ name: 'globex-gpu', workers: 2, architectures: ['amd64'] }],
    arrivalMs: 1_200,
    runMs: [1_500, 6_000],
    concurrency: 1,
  },
  {
    id: 'demo-initech',
    users: ['milton', 'peter'],
    queues: ['reports'],
    pools: [{ name: 'initech-main', workers: 1, architectures: ['amd64'] }],
    arrivalMs: 2_000,
    runMs: [500, 3_000],
    concurrency: 2,
  },
];
