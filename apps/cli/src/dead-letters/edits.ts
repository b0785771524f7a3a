import { UsageError } from '@quipu/platform';

/** Changes to the JSON of an event, as the command line takes them. */
export interface Edits {
  /** `path=value`; the value is JSON where it is valid JSON, else a string. */
  readonly set: readonly string[];
  /** Paths to take away. */
  readonly unset: readonly string[];
}

type JsonObject = Record<string, unknown>;

/**
 * A copy of an event's JSON with changes made to it. A path is dotted (`data.queue`), or a JSON pointer when it begins
 * with a slash (`/data/labels/a.b`); objects on the way come into being.
 * @throws UsageError when a change cannot be read or its path leads through something that is no object.
 */
export function applyEdits(event: unknown, edits: Edits): unknown {
  if (!isObject(event))
    throw new UsageError('The letter holds no JSON object to change; give the event as a file.');
  const copy = structuredClone(event);
  for (const change of edits.set) {
    const cut = change.indexOf('=');
    if (cut < 1) throw new UsageError(`"${change}" is no change: write path=value.`);
    const { parent, key } = find(copy, change.slice(0, cut));
    parent[key] = valueOf(change.slice(cut + 1));
  }
  for (const path of edits.unset) {
    const { parent, key } = find(copy, path);
    delete parent[key];
  }
  return copy;
}

function find(root: JsonObject, path: string): { parent: JsonObject; key: string } {
  const names = path.startsWith('/')
    ? path
        .slice(1)
        .split('/')
        .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    : path.split('.');
  const key = names.pop()!;
  let parent = root;
  for (const name of [...names, key]) {
    if (name === '' || name === '__proto__') throw new UsageError(`"${path}" is no path into an event.`);
  }
  for (const name of names) {
    const next: unknown = Object.hasOwn(parent, name) ? parent[name] : (parent[name] = {});
    if (!isObject(next)) throw new UsageError(`"${path}" leads through "${name}", which is no object.`);
    parent = next;
  }
  return { parent, key };
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
