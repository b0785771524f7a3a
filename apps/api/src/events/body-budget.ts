/**
 * Bytes of request bodies that one process holds at once. Parsed, a body takes some ten times as much memory, so
 * without this many large requests at once would end the process.
 */
export class BodyBudget {
  private held = 0;

  /** @param most bytes in all. */
  constructor(private readonly most: number) {}

  /** Takes bytes; false if others hold too many. */
  take(bytes: number): boolean {
    if (this.held + bytes > this.most) return false;
    this.held += bytes;
    return true;
  }

  /** Gives them back. */
  give(bytes: number): void {
    this.held -= bytes;
  }
}
