import { comesBefore, sortsOtherwise } from './labels.js';
import { valueText } from './numbers.js';
import { type LabelText, type Series, type Value } from './types.js';

/** Where the value of a series is read at every rendering; its owner changes it in place. */
export interface ValueSource {
  readonly value: Value;
  /** When counting began for this one, if not when it did for the table. Read when {@link SeriesTable.revision} changes. */
  readonly created?: Value | undefined;
}

const BLOCK = 256;

/** Neighbours in the order of labels. Columns, not objects: rendering walks through memory in one direction. */
interface Block {
  labels: LabelText[];
  sources: ValueSource[];
  /** Text before each value, then the value, in turns; made when the labels have changed. */
  pieces: string[] | null;
  /** What the pieces were made for. */
  key: string;
}

/**
 * The series of one family as a process keeps them between scrapes, by the values of their labels, ascending. A series
 * that appears or goes costs a few comparisons; labels are put into lines when the neighbours change, and a rendering
 * does no more than read each value and join. Nothing is ever sorted as a whole, so nothing takes long at once.
 */
export class SeriesTable implements Iterable<Series> {
  /** When counting began, in seconds since 1970, for all series alike; counters only. */
  created: Value | undefined;
  /** To be changed when the `created` of a source has. */
  revision = 0;
  private readonly blocks: Block[] = [];
  /** Whether texts sort as their values do, all of those that were ever here: else values are compared. */
  private plain = true;
  private count = 0;

  /** How many series there are. */
  get size(): number {
    return this.count;
  }

  /** Where the value of a series is read; undefined if there is no such series. */
  get(labels: LabelText): ValueSource | undefined {
    const block = this.blockOf(labels);
    const at = block === undefined ? -1 : indexIn(block, labels, this.plain);
    return at < 0 ? undefined : block!.sources[at];
  }

  /** Has the value of a series read from `source`; the series appears if it was not there. */
  set(labels: LabelText, source: ValueSource): void {
    this.plain &&= !sortsOtherwise(labels);
    let block = this.blockOf(labels);
    if (block === undefined) this.blocks.push((block = newBlock([], [])));
    const at = indexIn(block, labels, this.plain);
    if (at >= 0) {
      if (block.sources[at]!.created !== source.created) block.pieces = null;
      block.sources[at] = source;
      return;
    }
    const place = -at - 1;
    block.labels.splice(place, 0, labels);
    block.sources.splice(place, 0, source);
    block.pieces = null;
    this.count += 1;
    if (block.labels.length > BLOCK) this.split(block);
  }

  /** Removes a series; says whether it was there. */
  delete(labels: LabelText): boolean {
    const block = this.blockOf(labels);
    const at = block === undefined ? -1 : indexIn(block, labels, this.plain);
    if (at < 0) return false;
    block!.labels.splice(at, 1);
    block!.sources.splice(at, 1);
    block!.pieces = null;
    this.count -= 1;
    if (block!.labels.length === 0) this.blocks.splice(this.blocks.indexOf(block!), 1);
    return true;
  }

  /** Removes all series. */
  clear(): void {
    this.blocks.length = 0;
    this.count = 0;
  }

  /** All series as they are now, ascending by the values of their labels. */
  *[Symbol.iterator](): Generator<Series, void, undefined> {
    for (const { labels, sources } of this.blocks) {
      for (const [i, text] of labels.entries()) {
        const source = sources[i]!;
        const series = { labels: text, value: source.value };
        yield this.created === undefined ? series : { ...series, created: source.created ?? this.created };
      }
    }
  }

  /** The lines of all series, block by block. @param createdName the name of the lines that say {@link created} */
  *texts(name: string, createdName?: string): Generator<string, void, undefined> {
    const created = createdName === undefined || this.created === undefined ? null : valueText(this.created);
    const tail = created === null ? null : { name: createdName!, value: created, revision: this.revision };
    for (const block of this.blocks) yield renderBlock(block, name, tail);
  }

  /** The block that has these labels, or is to get them. */
  private blockOf(labels: LabelText): Block | undefined {
    let [low, high] = [0, this.blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (isBefore(labels, this.blocks[middle]!.labels[0]!, this.plain)) high = middle - 1;
      else low = middle;
    }
    return this.blocks[low];
  }

  private split(block: Block): void {
    const half = block.labels.length >> 1;
    const upper = newBlock(block.labels.splice(half), block.sources.splice(half));
    block.pieces = null;
    this.blocks.splice(this.blocks.indexOf(block) + 1, 0, upper);
  }
}

function newBlock(labels: LabelText[], sources: ValueSource[]): Block {
  return { labels, sources, pieces: null, key: '' };
}

function isBefore(one: LabelText, other: LabelText, plain: boolean): boolean {
  return plain ? one < other : comesBefore(one, other);
}

/** Where labels are in a block; −1 − the place they belong, if they are not there. */
function indexIn({ labels: column }: Block, labels: LabelText, plain: boolean): number {
  let [low, high] = [0, column.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const there = column[middle]!;
    if (there === labels) return middle;
    if (isBefore(there, labels, plain)) low = middle + 1;
    else high = middle - 1;
  }
  return -1 - low;
}

interface Tail {
  readonly name: string;
  readonly value: string;
  readonly revision: number;
}

function renderBlock(block: Block, name: string, tail: Tail | null): string {
  const key = tail === null ? name : `${name} ${tail.name} ${tail.value} ${tail.revision}`;
  if (block.pieces === null || block.key !== key) {
    block.pieces = piecesOf(block, name, tail);
    block.key = key;
  }
  const { pieces, sources } = block;
  for (let i = 0; i < sources.length; i += 1) {
    const { value } = sources[i]!;
    pieces[2 * i + 1] = typeof value === 'string' ? value : valueText(value);
  }
  // Joined, not concatenated: the text is written once, and not as a tree that is walked again.
  return pieces.join('');
}

/**
 * The text around the values, as slices of one text: side by side in memory. Labels arrive one by one, each from
 * elsewhere: reading them so costs several times as much as writing them out.
 */
function piecesOf({ labels, sources }: Block, name: string, tail: Tail | null): string[] {
  const between: string[] = [];
  let rest = '';
  for (const [i, text] of labels.entries()) {
    const braced = text === '' ? ' ' : `{${text}} `;
    between.push(`${rest}${name}${braced}`);
    rest = tail === null ? '\n' : `\n${tail.name}${braced}${createdText(sources[i]!, tail)}\n`;
  }
  between.push(rest);
  const whole = between.join('');
  const pieces: string[] = [];
  let at = 0;
  for (const text of between) pieces.push(whole.slice(at, (at += text.length)), '');
  pieces.pop();
  return pieces;
}

function createdText({ created }: ValueSource, tail: Tail): string {
  return created === undefined ? tail.value : valueText(created);
}
