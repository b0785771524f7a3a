import { nameText } from '../fleet/fleet-texts.js';
import { formatCount, formatDuration, plural } from '../support/numbers.js';
import { type Terminal } from '../support/terminal.js';
import { formatTime } from '../support/times.js';
import { type SweeperReport, type SystemStatus, type TotalsStatus } from './read-status.js';

/** The state of the system as a person reads it. */
export function statusText(terminal: Terminal, status: SystemStatus, nowMs: number): string {
  const { bold, dim, red, yellow, green } = terminal.colours;
  const line = (name: string, text: string): string => `  ${dim(name.padEnd(13))}${text}`;
  const { log, ledger, queue } = status;
  const lines = [`${bold('Quipu')}  ${systemText(terminal, status)}`];
  const age = log.lastEvent === null ? 'empty' : `last event ${ago(nowMs - Date.parse(log.lastEvent))}`;
  lines.push(line('log', `position ${formatCount(BigInt(log.position))}, ${age}`));
  const behind = BigInt(ledger.behindEvents);
  const lag =
    behind === 0n
      ? green('up to date')
      : yellow(`${plural(behind, 'event')}, ${formatDuration(ledger.behindSeconds * 1000)} behind`);
  lines.push(line('ledger', `position ${formatCount(BigInt(ledger.position))}, ${lag}`));
  if (ledger.halted !== null) {
    const { position, error, since } = ledger.halted;
    const when = since === null ? '' : ` since ${formatTime(Date.parse(since))}`;
    lines.push(
      line('halted', red(`at position ${formatCount(BigInt(position))}${when}: ${nameText(error)}`)),
    );
  }
  if (ledger.needs !== null) {
    const why = 'stands still: other code or other buckets made its tables';
    lines.push(line('projection', red(`${why}; run ./quipu projections ${ledger.needs}`)));
  }
  lines.push(line('queue', queueText(terminal, status)));
  if (status.totals !== null) lines.push(line('totals', totalsText(terminal, status.totals)));
  lines.push(line('workers', sweeperText(terminal, status.sweeper, nowMs)));
  const letters = Object.entries(status.deadLetters);
  const total = letters.reduce((sum, [, count]) => sum + count, 0);
  const reasons = letters.map(([reason, count]) => `${reason} ${formatCount(count)}`).join(', ');
  lines.push(line('dead letters', total === 0 ? 'none' : yellow(`${formatCount(total)} (${reasons})`)));
  if (queue !== null && queue.consumers === 0 && queue.waiting > 0) {
    lines.push('', yellow('  Nobody takes events from the queue: ./quipu start runs a projector.'));
  }
  return lines.join('\n');
}

function systemText({ colours }: Terminal, { system, queue }: SystemStatus): string {
  const { dim, green, yellow } = colours;
  if (system === null) {
    // Of processes that something else runs (containers, systemd) there is no state here, but the queue knows them.
    return (queue?.consumers ?? 0) > 0
      ? `${green('running')} ${dim('(elsewhere: no ./quipu start on this data directory)')}`
      : `${yellow('not running here')} ${dim('(./quipu start starts it)')}`;
  }
  const { phase, url, programs } = system;
  const names = programs.join(', ');
  if (phase !== 'orphaned')
    return `${phase === 'ready' ? green('running') : yellow(phase)} at ${url} ${dim(`(${names})`)}`;
  const where = programs.includes('api') ? ` at ${url}` : '';
  const advice = 'its supervisor was killed and nobody restarts what dies; ./quipu start takes over';
  return `${yellow('running unattended')}${where} ${dim(`(${names}: ${advice})`)}`;
}

function queueText(terminal: Terminal, { queue }: SystemStatus): string {
  const { red, yellow } = terminal.colours;
  if (queue === null) return red('Redis does not answer');
  const failed = queue.failed === 0 ? '' : yellow(`, ${formatCount(queue.failed)} to be taken up again`);
  const jobs = `${plural(queue.waiting, 'job')} waiting, ${formatCount(queue.active)} in work${failed}`;
  return `${jobs}, ${plural(queue.consumers, 'consumer')}`;
}

function totalsText({ colours }: Terminal, { state, drift }: TotalsStatus): string {
  if (state !== 'ok') return colours.yellow(`${state} in Redis, answers come from Postgres`);
  if (drift === null || drift === 0) return drift === 0 ? 'in Redis, equal to Postgres' : 'in Redis';
  return colours.red(`${formatCount(drift)} series differ from Postgres: ./quipu reconcile --heal`);
}

function sweeperText({ colours }: Terminal, sweeper: SweeperReport, nowMs: number): string {
  const { state, reason, since } = sweeper;
  const [lost, ended, woken] = [sweeper.lost, sweeper.ended, sweeper.woken].map(BigInt) as [
    ...[bigint, bigint, bigint],
  ];
  const runs = ended === 0n ? '' : `, ${plural(ended, 'run')} ended by estimate`;
  const back = woken === 0n ? '' : ` (${formatCount(woken)} went on)`;
  const found = lost === 0n ? 'none declared lost' : `${formatCount(lost)} declared lost${runs}${back}`;
  if (state === 'judging') return found;
  if (state === 'off') return `${found}; ${colours.dim('silent ones are not looked for')}`;
  const why = state === 'silent' ? 'no projector looks for silent ones' : `nobody is judged: ${reason}`;
  const when = since === null ? '' : `, for ${formatDuration(nowMs - Date.parse(since))}`;
  return `${found}; ${colours.yellow(`${why}${when}`)}`;
}

function ago(ms: number): string {
  return ms < 1_000 ? 'just now' : `${formatDuration(Math.floor(ms / 1000) * 1000)} ago`;
}
