const SECOND = 1_000_000_000n;
const DAY_US = 86_400_000_000n;

/** A span of ns as Python writes one: `0:01:00`, `7 days, 0:00:00`, `0:00:03.600000`. Rounded to microseconds, half to even. */
export function durationText(ns: bigint): string {
  const us = toMicroseconds(ns);
  const days = us / DAY_US;
  const rest = us % DAY_US;
  const seconds = rest / 1_000_000n;
  const fraction = rest % 1_000_000n;
  const two = (n: bigint): string => String(n).padStart(2, '0');
  const clock = `${seconds / 3600n}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  const text = fraction === 0n ? clock : `${clock}.${String(fraction).padStart(6, '0')}`;
  return days === 0n ? text : `${days} day${days === 1n ? '' : 's'}, ${text}`;
}

function toMicroseconds(ns: bigint): bigint {
  const us = ns / 1000n;
  const rest = ns % 1000n;
  return rest > 500n || (rest === 500n && us % 2n === 1n) ? us + 1n : us;
}

/** ns as seconds, a double. */
export function secondsOf(ns: bigint): number {
  return Number(ns / SECOND) + Number(ns % SECOND) / 1e9;
}

/** An instant in microseconds as the dialect writes it: whole seconds unless there is a fraction. */
export function instantText(us: bigint): string {
  const seconds = us / 1_000_000n;
  const fraction = us % 1_000_000n;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${text}${fraction === 0n ? '' : `.${String(fraction).padStart(6, '0')}`}+00:00`;
}
