import { createLogger, loadConfig, ManualClock } from '@quipu/platform';
import type { Command } from 'commander';
import { PassThrough } from 'node:stream';
import pc from 'picocolors';
import { buildProgram } from '../../apps/cli/src/program.js';
import { pages } from './pages.js';

const out = new PassThrough();
const program = buildProgram({
  terminal: {
    out,
    err: out,
    colours: pc.createColors(false),
    outIsTty: false,
    errIsTty: false,
    columns: 100,
  },
  ...{ env: {}, clock: new ManualClock(0), logger: createLogger('test', 'silent') },
  ...{ interrupted: new AbortController().signal, config: () => loadConfig({}) },
});

/** Every command line of a text, up to what a shell or a sentence does with it. */
function commandLines(text: string): string[] {
  return [...text.matchAll(/\.\/quipu ([a-z][^`\n]*)/g)].map(([, rest = '']) =>
    rest.split(/ #|[|&;<>)]| {2}/, 1)[0]!.trim(),
  );
}

/** What of a command line there is not; null if it is all there. */
function unknownIn(line: string): string | null {
  const words = line.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  let command: Command = program;
  let at = 0;
  for (; at < words.length; at += 1) {
    const next = command.commands.find((one) => one.name() === words[at]!.replace(/[.,:]$/, ''));
    if (next === undefined) break;
    command = next;
  }
  if (command === program) return words[0] ?? '';
  // Its options are jest's.
  if (command.name() === 'test') return null;
  for (const word of words.slice(at)) {
    const option = /^--[a-z][a-z-]*/.exec(word)?.[0];
    if (option === undefined || option === '--help') continue;
    let holder: Command | null = command;
    while (holder !== null && !holder.options.some(({ long }) => long === option)) holder = holder.parent;
    if (holder === null) return option;
  }
  return null;
}

/** The help of a command and of all below it. */
function helpOf(command: Command): string {
  command.outputHelp();
  const own = String(out.read() ?? '');
  return [own, ...command.commands.map(helpOf)].join('\n');
}

it.each(pages())('commands in $path are there, with their options', ({ text }) => {
  expect(commandLines(text).flatMap((line) => (unknownIn(line) === null ? [] : [line]))).toEqual([]);
});

it('commands in the help of commands are there, with their options', () => {
  // After a dollar: its sentences speak of the script as well.
  const lines = [...helpOf(program).matchAll(/\$ (.*)/g)].flatMap(([, line = '']) => commandLines(line));
  expect(lines.length).toBeGreaterThan(50);
  expect(lines.flatMap((line) => (unknownIn(line) === null ? [] : [line]))).toEqual([]);
});

it('finds commands and options that are not there', () => {
  expect(unknownIn('count --by tenant')).toBe('count');
  expect(unknownIn('usage --per tenant')).toBe('--per');
  expect(unknownIn('keys create acme ann --role admin')).toBeNull();
});
