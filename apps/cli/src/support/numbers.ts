/** A whole number with thousands separators: `18,239`. */
export function formatCount(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/**
 * Milliseconds as exact seconds, without separators: `474238015`, `0.05`, `-1.5`. Never rounds.
 */
export function secondsText(ms: bigint): string {
  const magnitude = ms < 0n ? -ms : ms;
  const fraction = String(magnitude % 1000n)
    .padStart(3, '0')
    .replace(/0+$/, '');
  return `${ms < 0n ? '-' : ''}${magnitude / 1000n}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Milliseconds as exact seconds with thousands separators: `474,238,015` or `1,234.567`. */
export function formatSeconds(ms: bigint): string {
  const [whole = '0', fraction] = secondsText(ms).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A length of time for people: `0 s`, `42 s`, `3 min 05 s`, `2 h 10 min`, `4 d 3 h`. Drops what does not matter. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (ms > 0 && ms < 10_000 && ms % 1000 !== 0) return `${(ms / 1000).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A number of bytes for people: `512 B`, `1.4 MB`, in powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** A rate for people: `41,200/s`, `3.4/s`. */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return '–';
  return perSecond < 10 ? `${perSecond.toFixed(1)}/s` : `${formatCount(Math.round(perSecond))}/s`;
}

/** `1 job`, `2 jobs`. */
export function plural(count: number | bigint, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${BigInt(count) === 1n ? one : many}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
