/** Most things looked at before the event loop gets a turn: about a millisecond's worth. */
export const SLICE = 500;
/** How long (ms) a slice may take, should its things be slow ones. */
const SLICE_MS = 2;
/** Things between two looks at the clock. */
const LOOK = 32;

/** Lets the event loop turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Cuts long work into slices: `if (turns.due()) await turns.take()` for each thing. */
export class Turns {
  private things = 0;
  private startedAt = performance.now();

  /** Counts a thing, and says whether the event loop is to get its turn now. */
  due(): boolean {
    this.things += 1;
    if (this.things >= SLICE) return true;
    return this.things % LOOK === 0 && performance.now() - this.startedAt > SLICE_MS;
  }

  /** Lets the event loop turn; a new slice begins. */
  async take(): Promise<void> {
    await breathe();
    this.things = 0;
    this.startedAt = performance.now();
  }
}

/** Sorts by a key, letting the event loop turn: slices first, which are then merged two by two. */
export async function sortBy<T>(items: readonly T[], key: (item: T) => string): Promise<T[]> {
  const order = (a: T, b: T): number => {
    const [one, other] = [key(a), key(b)];
    return one < other ? -1 : one > other ? 1 : 0;
  };
  let runs: T[][] = [];
  for (let i = 0; i < items.length; i += SLICE) {
    runs.push(items.slice(i, i + SLICE).sort(order));
    await breathe();
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      const [left, right] = [runs[i]!, runs[i + 1]];
      merged.push(right === undefined ? left : await merge(left, right, order));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(
  left: readonly T[],
  right: readonly T[],
  order: (a: T, b: T) => number,
): Promise<T[]> {
  const merged: T[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const takesLeft = j === right.length || (i < left.length && order(left[i]!, right[j]!) <= 0);
    merged.push(takesLeft ? left[i++]! : right[j++]!);
    if (merged.length % (4 * SLICE) === 0) await breathe();
  }
  return merged;
}
