import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/environment.js';
import { pages } from './pages.js';

const VARIABLE = /\b(?:QUIPU|GRAFANA)_[A-Z][A-Z_]*[A-Z]\b/g;
const FOR_TESTS = /^QUIPU_TEST_/;
const SOURCES = ['apps', 'libs', 'examples', 'deploy', 'docker-compose.yml', 'Dockerfile'];

const namedIn = (text: string): string[] => [...new Set(text.match(VARIABLE) ?? [])].sort();

/** Everything that is not a test. */
function sources(): string {
  const files = SOURCES.flatMap((name) => {
    if (name.includes('.') || name === 'Dockerfile') return [name];
    return readdirSync(join(repository, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
      .map((entry) => join(entry.parentPath, entry.name).slice(repository.length + 1));
  });
  return files.map((file) => readFileSync(join(repository, file), 'utf8')).join('\n');
}

it('every setting of the configuration stands in docs/operations.md', () => {
  const configuration = readFileSync(join(repository, 'libs/platform/src/config.ts'), 'utf8');
  const told = new Set(namedIn(readFileSync(join(repository, 'docs/operations.md'), 'utf8')));
  // Where Quipu lies is told by ./quipu, not to it.
  const settings = namedIn(configuration).filter((name) => name !== 'QUIPU_HOME');
  expect(settings.filter((name) => !told.has(name))).toEqual([]);
});

it('every setting that a page names is one', () => {
  const known = new Set(namedIn(sources()));
  const unknown = pages().flatMap(({ path, text }) =>
    namedIn(text).flatMap((name) => (known.has(name) || FOR_TESTS.test(name) ? [] : [`${path}: ${name}`])),
  );
  expect(unknown).toEqual([]);
});
