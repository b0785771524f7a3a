import tseslint from 'typescript-eslint';

const LIBS = [
  'contracts',
  'exposition',
  'platform',
  'metering',
  'event-log',
  'access',
  'projection-engine',
  'ledger',
  'sweeper',
  'read-models',
  'archive',
  'schema',
  'reporter',
];

/** What each library may import of ours (docs/architecture.md): dependencies run one way. */
const ALLOWED = {
  contracts: [],
  exposition: [],
  platform: [],
  metering: ['contracts'],
  'event-log': ['contracts', 'platform'],
  access: ['contracts', 'platform'],
  'projection-engine': ['contracts', 'platform', 'event-log'],
  ledger: ['contracts', 'platform', 'event-log', 'metering', 'projection-engine'],
  sweeper: ['contracts', 'platform', 'event-log', 'projection-engine', 'ledger'],
  'read-models': ['contracts', 'platform', 'access', 'metering', 'event-log', 'ledger'],
  archive: ['contracts', 'platform', 'access'],
  reporter: ['contracts'],
  schema: ['platform', 'access', 'event-log', 'projection-engine', 'ledger', 'archive', 'sweeper'],
};

/** Other places that are promised to share no more than this with the rest. */
const APART = {
  'apps/worker/src': ['contracts', 'platform', 'reporter'],
  'apps/cli/src/verify': ['contracts', 'event-log', 'platform'],
};

/** Pure code knows no framework, no driver, no clock, no environment. */
const IMPURE = ['@nestjs/*', 'pg', 'ioredis', 'bullmq', 'typeorm', 'node:*'];
const PURE = ['contracts', 'exposition', 'metering'];

const relativeIntoLib = {
  regex: '^\\.\\..*/src/',
  message: 'Import another package through its @quipu/<name> alias.',
};

/** Forbids imports of all libraries but some. */
function onlyFrom(allowed, place) {
  const forbidden = LIBS.filter((name) => !allowed.includes(name));
  return {
    regex: `^@quipu/(${forbidden.join('|')})$`,
    message: `${place} may import only: ${allowed.join(', ') || 'nothing of ours'}.`,
  };
}

function boundary(lib) {
  const patterns = [relativeIntoLib, onlyFrom(ALLOWED[lib], `libs/${lib}`)];
  if (PURE.includes(lib)) {
    patterns.push({
      group: IMPURE,
      message: `libs/${lib} is pure: no framework, driver, clock or environment.`,
    });
  }
  return {
    files: [`libs/${lib}/src/**/*.ts`],
    ignores: ['**/*.spec.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
}

function apart([place, allowed]) {
  return {
    files: [`${place}/**/*.ts`],
    ignores: ['**/*.spec.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [relativeIntoLib, onlyFrom(allowed, place)] }] },
  };
}

export default tseslint.config(
  // A program outside of this project, type-checked by its test against the package as it is published.
  { ignores: ['test/fixtures/reporter/project/**'] },
  { ignores: ['dist', 'node_modules', 'coverage', '.quipu', '.quipu*', '**/*.js', '**/*.mjs'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { prefer: 'type-imports', fixStyle: 'inline-type-imports' },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-imports': ['error', { patterns: [relativeIntoLib] }],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  // Nest modules are often classes without members; that is the framework's shape, not an oversight.
  { files: ['apps/**/*.ts', 'libs/**/*.ts'], rules: { '@typescript-eslint/no-extraneous-class': 'off' } },
  ...LIBS.map(boundary),
  ...Object.entries(APART).map(apart),
  {
    files: [
      'libs/contracts/src/**/*.ts',
      'libs/exposition/src/**/*.ts',
      'libs/metering/src/**/*.ts',
      'libs/ledger/src/entities/**/*.ts',
    ],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'process', message: 'Pure code reads no environment.' },
        { name: 'setTimeout', message: 'Pure code keeps no time.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Pure code has no clock: take the time as a parameter.' },
      ],
    },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: {
      // Answers under test are untyped JSON on purpose: the assertion is the type.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  { files: ['test/**/*.ts'], rules: { 'no-restricted-imports': 'off' } },
);
