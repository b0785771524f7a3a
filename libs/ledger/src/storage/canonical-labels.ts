/** Canonical JSON of a label set: names sorted by UTF-16 code units. */
export function canonicalLabels(labels: Readonly<Record<string, string>>): string {
  let text = '{';
  for (const name of Object.keys(labels).sort()) {
    text += `${text === '{' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(labels[name])}`;
  }
  return `${text}}`;
}
