/** Wakes one waiter early; a notification that nobody waits for is kept for the next wait. */
export class Signal {
  private notified = false;
  private wake: (() => void) | null = null;

  /** Ends the current wait, or the next one at once. */
  notify(): void {
    if (this.wake === null) this.notified = true;
    else this.wake();
  }

  /** Resolves at the next notification, after `ms` milliseconds at the latest. */
  wait(ms: number): Promise<void> {
    if (this.notified) {
      this.notified = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wake = done;
    });
  }
}
