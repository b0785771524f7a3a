/** Milliseconds as exact seconds, a decimal number without an exponent: `474238015`, `0.05`. Never rounds. */
export function secondsText(ms: bigint): string {
  const magnitude = ms < 0n ? -ms : ms;
  const fraction = String(magnitude % 1000n)
    .padStart(3, '0')
    .replace(/0+$/, '');
  return `${ms < 0n ? '-' : ''}${magnitude / 1000n}${fraction === '' ? '' : `.${fraction}`}`;
}
