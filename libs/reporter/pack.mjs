#!/usr/bin/env node
/**
 * Makes the package @quipu/reporter: this library and as much of @quipu/contracts as it needs, compiled, with types.
 *
 *   node libs/reporter/pack.mjs [<directory>]      dist/packages/reporter if absent; `npm pack` or publish it from there
 *
 * The catalogue's schemas stay out: of their types the shapes are written down, of their versions the numbers.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const LIB = import.meta.dirname;
const ROOT = join(LIB, '..', '..');
const SOURCE = join(LIB, 'src');
const CONTRACTS = join(ROOT, 'libs', 'contracts', 'src');
const out = resolve(process.argv[2] ?? join(ROOT, 'dist', 'packages', 'reporter'));
const FROM_CONTRACTS = /import (?:type )?\{([^}]*)\} from '@quipu\/contracts';/g;

const sources = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
  .map((file) => join(SOURCE, file));
const contractsIndex = join(CONTRACTS, 'index.ts');

const config = ts.getParsedCommandLineOfConfigFile(
  join(ROOT, 'tsconfig.json'),
  {},
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) =>
      fail(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')),
  },
);
const options = { ...config.options, noEmit: false, declaration: true, sourceMap: false, incremental: false };
const program = ts.createProgram([...sources, contractsIndex], options);
const checker = program.getTypeChecker();
const exported = new Map(
  checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(contractsIndex)))
    .map((symbol) => [symbol.name, symbol]),
);

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** The symbol behind an export of the contracts. */
function symbolOf(name) {
  const symbol = exported.get(name) ?? fail(`@quipu/contracts exports no ${name}`);
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

const namesIn = (list) =>
  list
    .split(',')
    .map((name) => name.trim().replace(/^type /, ''))
    .filter((name) => name !== '');

const folderOf = (path) => {
  const to = relative(dirname(path), out).replaceAll('\\', '/');
  return to === '' ? '.' : to;
};

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const transpile = (path) =>
  ts.transpileModule(readFileSync(path, 'utf8'), {
    compilerOptions: {
      ...options,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
    },
    fileName: path,
  }).outputText;

/** Modules of the contracts that programs need while they run. */
const modules = new Set();

/** The module that defines a value, and those it imports; one that needs more than itself is not for this package. */
function takeModule(path) {
  if (modules.has(path)) return;
  modules.add(path);
  const text = transpile(path);
  for (const [, from] of text.matchAll(/^(?:import|export)\b[^;]*? from '([^']+)';/gms)) {
    if (!from.startsWith('.')) fail(`${relative(ROOT, path)} imports ${from}: the reporter cannot use it`);
    takeModule(resolve(dirname(path), from).replace(/\.js$/, '.ts'));
  }
  write(join(out, 'contracts', relative(CONTRACTS, path).replace(/\.ts$/, '.js')), text);
}

/** Imports of the contracts by the module that defines each name. */
function bindModules(text, path) {
  return text.replace(FROM_CONTRACTS, (_, list) => {
    const byModule = new Map();
    for (const name of namesIn(list)) {
      const file = symbolOf(name).declarations[0].getSourceFile().fileName;
      takeModule(resolve(file));
      const js = relative(CONTRACTS, file).replaceAll('\\', '/').replace(/\.ts$/, '.js');
      byModule.set(js, [...(byModule.get(js) ?? []), name]);
    }
    const lines = [...byModule].map(
      ([js, names]) => `import { ${names.join(', ')} } from '${folderOf(path)}/contracts/${js}';`,
    );
    return lines.join('\n');
  });
}

/** The shape of a type of the contracts, without the schemas it is inferred from. */
function shapeOf(name) {
  const type = checker.getDeclaredTypeOfSymbol(symbolOf(name));
  const flags =
    ts.TypeFormatFlags.NoTruncation |
    ts.TypeFormatFlags.InTypeAlias |
    ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType;
  const shape = checker.typeToString(type, undefined, flags);
  if (/\bz\.|import\(/.test(shape))
    fail(`the shape of ${name} leans on another package: ${shape.slice(0, 200)}`);
  return `export type ${name} = ${shape};\n`;
}

async function main() {
  rmSync(out, { recursive: true, force: true });
  const types = new Set();
  for (const path of sources) {
    const target = join(out, relative(SOURCE, path)).replace(/\.ts$/, '.js');
    if (path.endsWith('data-versions.ts')) continue;
    write(target, bindModules(transpile(path), target));
    let declared = '';
    program.emit(program.getSourceFile(path), (_, text) => (declared = text), undefined, true);
    const bound = declared.replace(FROM_CONTRACTS, (_, list) => {
      for (const name of namesIn(list)) types.add(name);
      return `import type { ${namesIn(list).join(', ')} } from '${folderOf(target)}/contracts/types.js';`;
    });
    write(target.replace(/\.js$/, '.d.ts'), bound);
  }
  write(join(out, 'contracts', 'types.d.ts'), [...types].sort().map(shapeOf).join('\n'));
  write(join(out, 'contracts', 'types.js'), 'export {};\n');
  register('../../tools/ts-hooks.mjs', import.meta.url);
  const { catalogue } = await import(pathToFileURL(contractsIndex).href);
  const versions = Object.keys(catalogue).map((type) => [type, catalogue[type].version]);
  write(
    join(out, 'data-versions.js'),
    `export const DATA_VERSIONS = new Map(${JSON.stringify(versions.filter(([, version]) => version > 1))});\n`,
  );

  const description = JSON.parse(readFileSync(join(LIB, 'package.json'), 'utf8'));
  write(
    join(out, 'package.json'),
    `${JSON.stringify({ ...description, files: ['**/*.js', '**/*.d.ts'] }, null, 2)}\n`,
  );
  cpSync(join(ROOT, 'docs', 'reporter.md'), join(out, 'README.md'));
  cpSync(join(ROOT, 'LICENSE'), join(out, 'LICENSE'));
}

await main();
