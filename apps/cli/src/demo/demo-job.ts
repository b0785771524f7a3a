import { type EventType, type LogEvent } from '@quipu/contracts';
import { type FleetContext } from './fleet.js';
import { type DemoTenant } from './tenants.js';

type Phase = 'waiting' | 'delayed' | 'blocked' | 'running' | 'over';

const MAX_ATTEMPTS = 3;

/** One job of the demo, from its queue to its end. */
export class DemoJob {
  private readonly subject: string;
  private readonly queueName: string;
  private phase: Phase = 'waiting';
  private attempt = 1;
  private dueAt = 0;

  constructor(
    private readonly tenant: DemoTenant,
    number: number,
    private readonly context: FleetContext,
    private readonly onOver: () => void,
  ) {
    this.queueName = context.random.pick(tenant.queues);
    this.subject = `job/${this.queueName}/${number}@${context.now()}`;
  }

  /** Puts the job into its queue, sometimes with a delay, sometimes blocked by another. */
  queue(): void {
    const { random, now } = this.context;
    const delayMs = random.chance(0.12) ? random.between(2_000, 9_000) : 0;
    this.dueAt = now() + delayMs;
    const data: LogEvent['data'] = {
      queue: this.queueName,
      user: random.pick(this.tenant.users),
      taskType: 'demo',
      taskName: random.pick(this.tenant.tasks),
      priority: random.between(0, 9),
    };
    if (delayMs > 0) data['delayUntil'] = new Date(this.dueAt).toISOString();
    this.emit('job.queued', data);
    if (random.chance(0.1)) this.block();
    else if (random.chance(0.04)) this.context.after(random.between(500, 4_000), () => this.giveUp());
  }

  /** Whether a scheduler may take it. */
  isDue(nowMs: number): boolean {
    return this.phase === 'waiting' && this.dueAt <= nowMs;
  }

  /** Runs the job on a node; `onFree` is called when the node is free again. */
  run(cluster: string, worker: string, onFree: () => void): void {
    const { random, after } = this.context;
    this.phase = 'running';
    const attempt = this.attempt;
    this.emit('job.assigned', { attempt, worker, workerTenant: this.tenant.id, cluster });
    if (random.chance(0.03)) {
      after(400, () => {
        if (this.phase !== 'running') return;
        this.emit('job.requeued', { attempt });
        this.phase = 'waiting';
        onFree();
      });
      return;
    }
    const [shortest, longest] = this.tenant.runMs;
    const runMs = random.between(shortest, longest);
    after(100, () => {
      if (this.phase === 'running') this.emit('job.started', { attempt, nodes: random.between(1, 3) });
    });
    after(100 + Math.floor(runMs / 2), () => {
      if (this.phase === 'running')
        this.emit('job.progressed', { attempt, statistics: { duration: runMs / 2000 } });
    });
    after(100 + runMs, () => {
      if (this.phase === 'running') this.finish(attempt);
      onFree();
    });
  }

  /** Ends the job because the demo ends. */
  close(): void {
    if (this.phase === 'over') return;
    this.emit('job.aborted', { attempt: this.attempt });
    this.over();
  }

  private finish(attempt: number): void {
    const { random, now } = this.context;
    const chance = random.next();
    if (chance < 0.8) {
      this.emit('job.completed', { attempt, result: 'success' });
      this.over();
      if (random.chance(0.3)) this.context.after(8_000, () => this.emit('job.removed', {}));
    } else if (chance < 0.94) {
      const final = attempt >= MAX_ATTEMPTS;
      this.emit('job.failed', { attempt, final, error: 'exit status 1' });
      if (final) {
        this.over();
        return;
      }
      this.attempt += 1;
      this.dueAt = now();
      this.phase = 'waiting';
    } else {
      this.emit('job.aborted', { attempt });
      this.over();
    }
  }

  private block(): void {
    const { random, after } = this.context;
    this.emit('job.blocked', {});
    this.phase = 'blocked';
    after(random.between(1_500, 8_000), () => {
      if (this.phase !== 'blocked') return;
      if (random.chance(0.15)) {
        this.emit('job.removed', {});
        this.over();
      } else {
        this.emit('job.unblocked', {});
        this.phase = 'waiting';
      }
    });
  }

  private giveUp(): void {
    if (this.phase !== 'waiting') return;
    this.emit(this.context.random.chance(0.5) ? 'job.aborted' : 'job.removed', { attempt: this.attempt });
    this.over();
  }

  private over(): void {
    this.phase = 'over';
    this.onOver();
  }

  private emit(type: EventType, data: LogEvent['data']): void {
    this.context.emit(this.tenant.id, type, this.subject, data);
  }
}
