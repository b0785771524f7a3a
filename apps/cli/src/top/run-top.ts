import { setTimeout as sleep } from 'node:timers/promises';
import { queueJson, workerJson } from '../fleet/fleet-texts.js';
import { type Cli } from '../support/cli.js';
import { printLine, type Terminal } from '../support/terminal.js';
import { FullScreen, type ScreenDevices } from './full-screen.js';
import { type TopData, type TopReader } from './top-data.js';
import { renderFrame } from './top-frame.js';
import { ordered, pressed, type TopView } from './top-view.js';

/** What `top` is asked to do. */
export interface TopOptions {
  readonly view: TopView;
  readonly once: boolean;
  readonly json: boolean;
}

/** A frame as one line of JSON, with the members that the API has. */
export function frameJson(data: TopData, view: TopView): string {
  const { now, position, tenants, queues, workers } = ordered(data, view);
  return JSON.stringify({
    ...{ asOf: new Date(now).toISOString(), position: String(position) },
    tenants: tenants.map(({ nodes, ...row }) => ({ ...row, nodes: String(nodes) })),
    ...{ queues: queues.map(queueJson), workers: workers.map(workerJson) },
  });
}

/**
 * Shows frames until somebody has seen enough: over the whole screen on a terminal, one below the other elsewhere, one
 * line each as JSON. A store that is away is told, and asked again.
 */
export async function runTop(
  cli: Cli,
  read: TopReader,
  options: TopOptions,
  devices: ScreenDevices = { out: process.stdout, keys: process.stdin },
): Promise<void> {
  const { terminal, clock } = cli;
  if (options.once) {
    const data = await read(clock.now());
    printLine(terminal, options.json ? frameJson(data, options.view) : plainFrame(terminal, data, options));
    return;
  }
  if (options.json || !terminal.outIsTty) return printFrames(cli, read, options);
  return showFrames(cli, read, options, devices);
}

function plainFrame(terminal: Terminal, data: TopData, { view }: TopOptions): string {
  return renderFrame({ data, view, colours: terminal.colours, size: null, keys: false });
}

async function printFrames(cli: Cli, read: TopReader, options: TopOptions): Promise<void> {
  const { terminal, clock, interrupted } = cli;
  while (!interrupted.aborted) {
    const data = await read(clock.now());
    const text = options.json ? frameJson(data, options.view) : `${plainFrame(terminal, data, options)}\n`;
    printLine(terminal, text);
    await sleep(options.view.everyMs, undefined, { signal: interrupted }).catch(() => undefined);
  }
}

async function showFrames(
  cli: Cli,
  read: TopReader,
  options: TopOptions,
  devices: ScreenDevices,
): Promise<void> {
  const { terminal, clock, interrupted } = cli;
  let { view } = options;
  let data: TopData | undefined;
  let trouble: string | undefined;
  let over = false;
  let wake = new AbortController();
  const draw = (): void => {
    if (data === undefined) return;
    const { colours } = terminal;
    screen.draw(renderFrame({ data, view, colours, size: screen.size(), keys: true, trouble }));
  };
  const onKey = (key: string): void => {
    const answer = pressed(view, key);
    if (answer === 'quit') over = true;
    else view = answer;
    if (over) wake.abort();
    else draw();
  };
  const screen = new FullScreen(devices, onKey, draw);
  const stop = (): void => {
    over = true;
    wake.abort();
  };
  interrupted.addEventListener('abort', stop, { once: true });
  screen.enter();
  try {
    while (!over && !interrupted.aborted) {
      wake = new AbortController();
      if (!view.paused || data === undefined) {
        try {
          // A store that does not answer must not hold up who wants to leave.
          const found = await Promise.race([read(clock.now()), ended(wake.signal)]);
          if (found === null) break;
          data = found;
          trouble = undefined;
        } catch (error) {
          // Without a first frame there is nothing to show: the command says why.
          if (data === undefined) throw error;
          trouble = `Not newer: ${error instanceof Error ? error.message : String(error)}`.split('\n')[0];
        }
        draw();
      }
      if (over) break;
      await sleep(view.everyMs, undefined, { signal: wake.signal }).catch(() => undefined);
    }
  } finally {
    interrupted.removeEventListener('abort', stop);
    screen.leave();
  }
}

/** Answers null once the signal is aborted. */
function ended(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}
