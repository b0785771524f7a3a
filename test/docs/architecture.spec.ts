import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/environment.js';

const rules = readFileSync(join(repository, 'eslint.config.js'), 'utf8');
const page = readFileSync(join(repository, 'docs/architecture.md'), 'utf8');

/** A value that stands as a literal in the rules. */
function literal(name: string): unknown {
  const text = new RegExp(`^const ${name} = ([[{][^;]*);$`, 'm').exec(rules)?.[1];
  return JSON.parse(
    text!
      .replaceAll("'", '"')
      .replace(/([{,]\s*)([a-z]+):/g, '$1"$2":')
      .replace(/,(\s*[\]}])/g, '$1'),
  );
}

const folders = (parent: string): string[] =>
  readdirSync(join(repository, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${parent}/${name}`);

/** What the page says that a folder may use. */
const told = new Map(
  [...page.matchAll(/^\| `((?:libs|apps)\/[\w-]+)` +\|.*\| (.*?) *\|$/gm)].map(([, folder, uses]) => [
    folder!,
    uses!,
  ]),
);

describe('the parts in docs/architecture.md', () => {
  it('are those that there are', () => {
    expect([...told.keys()].sort()).toEqual([...folders('libs'), ...folders('apps')].sort());
  });

  it('use what the rules of eslint allow', () => {
    const allowed = literal('ALLOWED') as Record<string, string[]>;
    const pure = new Set(literal('PURE') as string[]);
    for (const [lib, uses] of Object.entries(allowed)) {
      const list = uses.length === 0 ? 'nothing of ours' : uses.join(', ');
      expect([lib, told.get(`libs/${lib}`)]).toEqual([lib, pure.has(lib) ? `${list}; pure` : list]);
    }
    const apart = literal('APART') as Record<string, string[]>;
    expect(told.get('apps/worker')).toBe(apart['apps/worker/src']!.join(', '));
  });
});
