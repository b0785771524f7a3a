import { type LabelText, type Series, type Value } from './types.js';

/** How a series is printed; the same function for as long as the text of a block may be used again. */
export type SeriesWriter = (labels: LabelText, value: Value, created: Value | undefined) => string;

const BLOCK = 256;

/** Neighbours in the order of labels. Columns, not objects: rendering walks through memory in one direction. */
interface Block {
  labels: LabelText[];
  values: Value[];
  created: (Value | undefined)[];
  /** Whether the labels lie side by side in memory. */
  compact: boolean;
  /** What was rendered, until something changes, and under which key. */
  text: string | null;
  key: string;
}

/**
 * The series of one family as a process keeps them between scrapes, by the text of their labels, ascending.
 * A change costs a few comparisons; a rendering costs the blocks that changed since the last one, since the text
 * of the others is kept. Nothing is ever sorted or rendered as a whole, so nothing takes long at once.
 */
export class SeriesTable implements Iterable<Series> {
  private readonly blocks: Block[] = [];
  private count = 0;

  /** How many series there are. */
  get size(): number {
    return this.count;
  }

  /** The value of a series; undefined if there is none. */
  get(labels: LabelText): Value | undefined {
    const block = this.blockOf(labels);
    const at = block === undefined ? -1 : indexIn(block, labels);
    return at < 0 ? undefined : block!.values[at];
  }

  /** Sets a series' value; the series appears if it was not there. `created` stays if it is not given. */
  set(labels: LabelText, value: Value, created?: Value): void {
    let block = this.blockOf(labels);
    if (block === undefined) {
      block = newBlock([], [], []);
      this.blocks.push(block);
    }
    const at = indexIn(block, labels);
    block.text = null;
    if (at >= 0) {
      block.values[at] = value;
      if (created !== undefined) block.created[at] = created;
      return;
    }
    const place = -at - 1;
    block.labels.splice(place, 0, labels);
    block.values.splice(place, 0, value);
    block.created.splice(place, 0, created);
    block.compact = false;
    this.count += 1;
    if (block.labels.length > BLOCK) this.split(block);
  }

  /** Removes a series; says whether it was there. */
  delete(labels: LabelText): boolean {
    const block = this.blockOf(labels);
    const at = block === undefined ? -1 : indexIn(block, labels);
    if (at < 0) return false;
    for (const column of [block!.labels, block!.values, block!.created]) column.splice(at, 1);
    block!.text = null;
    this.count -= 1;
    if (block!.labels.length === 0) this.blocks.splice(this.blocks.indexOf(block!), 1);
    return true;
  }

  /** Removes all series. */
  clear(): void {
    this.blocks.length = 0;
    this.count = 0;
  }

  /** All series, ascending by the text of their labels. */
  *[Symbol.iterator](): Generator<Series, void, undefined> {
    for (const { labels, values, created } of this.blocks) {
      for (const [i, text] of labels.entries()) {
        const since = created[i];
        const series = { labels: text, value: values[i]! };
        yield since === undefined ? series : { ...series, created: since };
      }
    }
  }

  /** The rendered text, block by block. `key` names what `write` writes: another key renders anew. */
  *texts(key: string, write: SeriesWriter): Generator<string, void, undefined> {
    for (const block of this.blocks) {
      if (block.text === null || block.key !== key) renderBlock(block, key, write);
      yield block.text!;
    }
  }

  /** The block that has these labels, or is to get them. */
  private blockOf(labels: LabelText): Block | undefined {
    let [low, high] = [0, this.blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle]!.labels[0]! <= labels) low = middle;
      else high = middle - 1;
    }
    return this.blocks[low];
  }

  private split(block: Block): void {
    const half = block.labels.length >> 1;
    const upper = newBlock(block.labels.splice(half), block.values.splice(half), block.created.splice(half));
    this.blocks.splice(this.blocks.indexOf(block) + 1, 0, upper);
  }
}

function newBlock(labels: LabelText[], values: Value[], created: (Value | undefined)[]): Block {
  return { labels, values, created, compact: false, text: null, key: '' };
}

/** Where labels are in a block; −1 − the place they belong, if they are not there. */
function indexIn({ labels: column }: Block, labels: LabelText): number {
  let [low, high] = [0, column.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const there = column[middle]!;
    if (there === labels) return middle;
    if (there < labels) low = middle + 1;
    else high = middle - 1;
  }
  return -1 - low;
}

function renderBlock(block: Block, key: string, write: SeriesWriter): void {
  if (!block.compact) compact(block);
  const { labels, values, created } = block;
  let text = '';
  for (let i = 0; i < labels.length; i += 1) text += write(labels[i]!, values[i]!, created[i]);
  // Asking for a character makes V8 turn the tree of concatenations into one piece, once and for all.
  text.charCodeAt(0);
  block.text = text;
  block.key = key;
}

/**
 * Puts the labels of a block side by side in memory, as slices of one text. They arrive one by one, each from
 * elsewhere: reading them so costs several times as much as writing them out.
 */
function compact(block: Block): void {
  const whole = block.labels.join('');
  let at = 0;
  block.labels = block.labels.map((labels) => whole.slice(at, (at += labels.length)) as LabelText);
  block.compact = true;
}
