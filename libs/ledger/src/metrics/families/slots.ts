import { type EvaluatedSample } from '../types.js';

/** Slots, or slot time, by what they are shown as. */
export interface SlotStates {
  readonly busy: bigint;
  readonly idle: bigint;
  readonly offline: bigint;
}

/** Units of a ratio per whole. */
export const RATIO_SCALE = 1_000_000;

/**
 * What is shown of busy, idle and offline as they add up: none below 0, and the same sum. Idle is below 0 where jobs ran
 * without a known connection, or more of them than there are slots; the lack is taken from offline, then from busy
 * (docs/semantics.md, "Workers").
 */
export function shownSlots({ busy, idle, offline }: SlotStates): SlotStates {
  const lack = idle < 0n ? -idle : 0n;
  const room = offline > 0n ? offline : 0n;
  const fromOffline = lack < room ? lack : room;
  return { busy: busy - (lack - fromOffline), idle: idle < 0n ? 0n : idle, offline: offline - fromOffline };
}

/** Of what is registered, connected and busy, what is busy, idle and offline: per tenant and pool. */
export function slotStates(samples: readonly EvaluatedSample[]): EvaluatedSample[] {
  const keyOf = ({ tenant, labels }: EvaluatedSample): string =>
    JSON.stringify([tenant, labels['pool'] ?? '']);
  return [...sumBy(samples, keyOf).values()].flatMap(({ tenant, pool, states }) =>
    (['busy', 'idle', 'offline'] as const).map((state) => ({
      tenant,
      labels: { pool, state },
      value: states[state],
    })),
  );
}

/** Per pool the busy part of the slots that are in touch, in units of {@link RATIO_SCALE}; 0 without any. */
export function busyRatios(samples: readonly EvaluatedSample[]): EvaluatedSample[] {
  return [...sumBy(samples, ({ labels }) => labels['pool'] ?? '').values()].map(
    ({ tenant, pool, states }) => {
      const inTouch = states.busy + states.idle;
      const value = inTouch > 0n ? (states.busy * BigInt(RATIO_SCALE)) / inTouch : 0n;
      return { tenant, labels: { pool }, value };
    },
  );
}

function sumBy(
  samples: readonly EvaluatedSample[],
  keyOf: (sample: EvaluatedSample) => string,
): Map<string, { tenant: string; pool: string; states: SlotStates }> {
  const times = new Map<string, { tenant: string; pool: string; of: Map<string, bigint> }>();
  for (const sample of samples) {
    const { pool = '', state = '' } = sample.labels;
    const key = keyOf(sample);
    let found = times.get(key);
    if (found === undefined) times.set(key, (found = { tenant: sample.tenant, pool, of: new Map() }));
    found.of.set(state, (found.of.get(state) ?? 0n) + sample.value);
  }
  return new Map(
    [...times].map(([key, { tenant, pool, of }]) => {
      const [registered = 0n, connected = 0n, busy = 0n] = ['registered', 'connected', 'busy'].map((state) =>
        of.get(state),
      );
      const states = shownSlots({ busy, idle: connected - busy, offline: registered - connected });
      return [key, { tenant, pool, states }];
    }),
  );
}
