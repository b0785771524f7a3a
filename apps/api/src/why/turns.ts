import { ProblemException } from '../answers/problem.exception.js';

/**
 * Lets a few questions run at a time, and a few more wait: one that reads every entity of a tenant must not take all
 * connections from those that read a handful of rows.
 */
export class Turns {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly atOnce: number,
    private readonly inLine: number,
  ) {}

  /** Runs `work` when it is its turn. @throws ProblemException (503) if too many wait already. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.atOnce) {
      if (this.waiting.length >= this.inLine) {
        throw new ProblemException(503, 'Too many questions of this kind are being answered.', {
          hint: 'Ask again in a moment.',
          headers: { 'retry-after': '5' },
        });
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      this.running += 1;
    }
    try {
      return await work();
    } finally {
      // A turn is handed on, not given back: nobody who comes now overtakes those in line.
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
