import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/environment.js';

/** A page of the documentation. */
export interface Page {
  /** Where it lies, from the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** The README, the changelog and everything below docs. */
export function pages(): Page[] {
  const docs = readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`);
  return ['README.md', 'CHANGELOG.md', ...docs].map((path) => ({
    path,
    text: readFileSync(join(repository, path), 'utf8'),
  }));
}

/** A page without its blocks of code. */
export function proseOf({ text }: Page): string {
  return text.replace(/^```[^]*?^```/gm, '');
}
