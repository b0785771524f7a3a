import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { dirname, resolve as resolvePath } from 'node:path';
import { transform } from '@swc/core';

const root = dirname(import.meta.dirname);

/** `@quipu/<lib>` is the library's source; a `.js` that is not there is the `.ts` beside it. */
export async function resolve(specifier, context, next) {
  const lib = /^@quipu\/([^/]+)$/.exec(specifier);
  if (lib) return next(pathToFileURL(resolvePath(root, 'libs', lib[1], 'src/index.ts')).href, context);
  if (/^\.{1,2}\/.*\.js$/.test(specifier) && context.parentURL) {
    const path = fileURLToPath(new URL(specifier, context.parentURL));
    const source = path.replace(/\.js$/, '.ts');
    if (!existsSync(path) && existsSync(source)) return next(pathToFileURL(source).href, context);
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const path = fileURLToPath(url);
  const { code } = await transform(await readFile(path, 'utf8'), {
    filename: path,
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      target: 'es2023',
      keepClassNames: true,
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  });
  return { format: 'module', source: code, shortCircuit: true };
}
