import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/environment.js';

/** Where what Prometheus and Grafana are given lies. */
export const deployDir = join(repository, 'deploy');

/** What the tests look at of a dashboard. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { name: string; type: string; definition?: string }[] };
}

/** One panel of a dashboard. */
export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

/** All dashboards, by file name. */
export function dashboards(): [file: string, dashboard: Dashboard][] {
  const directory = join(deployDir, 'grafana', 'dashboards');
  return readdirSync(directory).map((file) => [
    file,
    JSON.parse(readFileSync(join(directory, file), 'utf8')) as Dashboard,
  ]);
}

/** The text of all rule files, by file name. */
export function ruleFiles(): [file: string, text: string][] {
  const directory = join(deployDir, 'prometheus', 'rules');
  return readdirSync(directory).map((file) => [file, readFileSync(join(directory, file), 'utf8')]);
}
