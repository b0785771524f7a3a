import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricFamilies } from '@quipu/ledger';
import { repository } from '../support/environment.js';
import { type Dashboard, dashboards, ruleFiles } from './deployed.js';

const SUFFIXES = ['', '_total', '_info', '_bucket', '_sum', '_count', '_gsum', '_gcount'];

/** Every name that may be asked for: families, what the process tells, what Prometheus adds, what rules record. */
function knownNames(): Set<string> {
  const known = new Set(['up', 'scrape_duration_seconds', 'scrape_samples_scraped']);
  for (const { name } of metricFamilies) for (const suffix of SUFFIXES) known.add(name + suffix);
  for (const [, text] of ruleFiles()) {
    for (const [, name] of text.matchAll(/^ *- record: (\S+)$/gm)) known.add(name!);
  }
  return known;
}

/** Names of metrics in an expression: what is left without strings, labels, durations and words of PromQL. */
function namesIn(expression: string): string[] {
  const bare = expression
    .replace(/"[^"]*"/g, '')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(by|without|on|ignoring) *\([^)]*\)/g, '');
  const words = [...bare.matchAll(/[a-zA-Z_][a-zA-Z0-9_:]*(?! *\()\b/g)].map(([word]) => word);
  return words.filter(
    (word) => !/^(or|and|unless|bool|by|without|on)$/.test(word) && !isFunction(bare, word),
  );
}

function isFunction(expression: string, word: string): boolean {
  return new RegExp(`\\b${word} *\\(`).test(expression);
}

function expressionsOf(text: string): string[] {
  const found = text.matchAll(/^( *)expr: (?:\|\n((?:\1 +.*\n?)+)|(.*)$)/gm);
  return [...found].map(([, , block, line]) => (block ?? line ?? '').trim());
}

describe('what Grafana is given', () => {
  it('is four dashboards, hosts and backups with six panels', () => {
    expect(dashboards().map(([file]) => file)).toEqual([
      'quipu-fleet.json',
      'quipu-hosts.json',
      'quipu-projections.json',
      'quipu-tenants.json',
    ]);
    const hosts = dashboards().find(([file]) => file === 'quipu-hosts.json')![1];
    expect(hosts.panels).toHaveLength(6);
  });

  it.each(dashboards())('%s is complete, and takes its data from one variable', (file, dashboard) => {
    expect(`${dashboard.uid}.json`).toBe(file);
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
    const sources = dashboard.templating.list.filter(({ type }) => type === 'datasource');
    expect(sources.map(({ name }) => name)).toEqual(['datasource']);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const panel of dashboard.panels) {
      expect(panel.datasource.uid).toBe('${datasource}');
      expect(panel.description).not.toBe('');
      expect(panel.targets.length).toBeGreaterThan(0);
      for (const target of panel.targets) expect(target.datasource.uid).toBe('${datasource}');
    }
  });

  it.each(dashboards())('%s has no panel over another', (_, { panels }: Dashboard) => {
    const taken = new Set<string>();
    for (const { gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x} ${y}`)).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});

describe('names of metrics', () => {
  const known = knownNames();
  const ofProcess = /^(process|nodejs)_/;

  it.each(dashboards())('in %s exist', (_, dashboard) => {
    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const names = new Set(expressions.flatMap((expression) => namesIn(expression)));
    expect(names.size).toBeGreaterThan(3);
    expect([...names].filter((name) => !known.has(name) && !ofProcess.test(name))).toEqual([]);
    const variables = dashboard.templating.list.map(({ definition = '' }) => definition);
    const asked = variables.flatMap((text) => [...text.matchAll(/\(([a-z]\w*),/g)].map(([, name]) => name!));
    expect(asked).toHaveLength(variables.filter((text) => text !== '').length);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(ruleFiles())('in %s exist', (_, text) => {
    const expressions = expressionsOf(text);
    expect(expressions.length).toBe(text.match(/^ *- (record|alert): /gm)?.length);
    const names = new Set(expressions.flatMap((expression) => namesIn(expression)));
    expect([...names].filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('alerts', () => {
  const alerts = ruleFiles().flatMap(([, text]) =>
    [...text.matchAll(/^ *- alert: (\S+)$/gm)].map(([, name]) => name!),
  );

  it('have names of their own, a test, and a section that says what to do', () => {
    expect(new Set(alerts).size).toBe(alerts.length);
    const docs = readFileSync(join(repository, 'docs', 'prometheus.md'), 'utf8');
    const sections = [...docs.matchAll(/^### (\S+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(alerts);
    const tests = readFileSync(join(repository, 'deploy', 'prometheus', 'tests', 'quipu.test.yml'), 'utf8');
    const tested = new Set([...tests.matchAll(/alertname: (\w+)/g)].map(([, name]) => name));
    expect([...tested].sort()).toEqual([...alerts].sort());
  });
});
