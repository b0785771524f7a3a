import { type JobFact, type JobState, type NodeState } from '@quipu/ledger';
import type { FoundItem } from './top-items.js';

/** A fact, as states remember it: enough to know its event among those of its entity. */
interface Told {
  readonly t: number;
  readonly s: string;
  readonly i: string;
  readonly f?: object;
}

/** Which events of an entity an interval rests on: every one at one of these instants, and these. */
export interface Evidence {
  /** ms: where the interval begins and ends. */
  readonly instants: readonly number[];
  /** Facts whose fields the interval is accounted under. */
  readonly told: readonly Told[];
}

/**
 * What an interval rests on: the events at its two ends (its own edges, and those of a higher attempt or a removal that
 * closed it), and for each of its fields the event that said so, which may be one of a lower attempt.
 */
export function evidenceOf({ item, state }: FoundItem): Evidence {
  const instants = [item.start, item.end].filter((t) => t !== null);
  const lives =
    item.key.kind === 'job'
      ? attemptsUpTo(state as JobState, item.life)
      : lifeOf(state as NodeState, item.life);
  const told = new Map<string, Told>();
  const said = new Set<string>();
  // The nearest life first: what it says about a field hides what the lower ones say.
  for (const facts of lives.reverse()) {
    const own = new Set<string>();
    for (const fact of [...facts].reverse()) {
      if (item.until !== null && fact.t > item.until) continue;
      for (const name of Object.keys(fact.f ?? {})) {
        if (said.has(name) || own.has(name)) continue;
        own.add(name);
        told.set(`${fact.s}\0${fact.i}`, fact);
      }
    }
    for (const name of own) said.add(name);
  }
  if (item.start === null && lives[0] !== undefined) {
    // A standing has no edge: it rests on what the attempt was told last.
    const facts = lives[0].filter((fact) => 'k' in fact);
    for (const fact of [...facts.slice(0, 1), ...facts.slice(-1)]) told.set(`${fact.s}\0${fact.i}`, fact);
  }
  return { instants, told: [...told.values()] };
}

/** The facts of the attempts up to one, lowest first. */
function attemptsUpTo(state: JobState, life: string): (readonly JobFact[])[] {
  return state.attempts.filter(({ a }) => a <= Number(life)).map(({ facts }) => facts);
}

function lifeOf(state: NodeState, life: string): (readonly Told[])[] {
  return state.lives.filter((one) => one.life === life).map(({ facts }) => facts);
}
