/**
 * The table of rooms (ARCHITECTURE.md) as rules: a folder is a permission, `mayUse` is all that it may import.
 * Node's own modules are open to every room but `domain/` and `workflows/`, which must stay pure and deterministic.
 */
const rooms = {
  domain: { mayUse: ['domain'], packages: ['zod'], node: false },
  db: { mayUse: ['db', 'domain'], packages: ['drizzle-orm', 'pg', 'zod'] },
  stripe: { mayUse: ['stripe', 'domain'], packages: ['stripe', 'zod'] },
  client: { mayUse: ['client', 'domain'], packages: ['@temporalio/client', '@temporalio/common'] },
  workflows: {
    mayUse: ['workflows', 'domain', 'activities', 'client/contract\\.ts'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
    node: false,
  },
  activities: {
    mayUse: ['activities', 'domain', 'db', 'stripe', 'client/contract\\.ts'],
    packages: [
      '@temporalio/activity',
      '@temporalio/common',
      'pino',
      'nodemailer',
      'liquidjs',
      'luxon',
      'prom-client',
    ],
  },
  'webhook-gateway': {
    mayUse: ['webhook-gateway', 'domain', 'db', 'client', 'stripe/signature\\.ts', 'config\\.ts', 'log\\.ts'],
    packages: [
      'fastify',
      'fastify-plugin',
      '@fastify/',
      'zod',
      'p-timeout',
      'pino',
      'prom-client',
      '@temporalio/client',
      '@temporalio/envconfig',
    ],
  },
  worker: {
    mayUse: [
      'worker',
      'domain',
      'db',
      'stripe',
      'client',
      'workflows',
      'activities',
      'config\\.ts',
      'log\\.ts',
    ],
  },
  cli: { mayUse: ['cli', 'domain', 'db', 'client', 'stripe', 'config\\.ts'] },
};

const quote = (text) => text.replace(/[/.@-]/g, '\\$&');

const roomRules = Object.entries(rooms).flatMap(([room, { mayUse, packages, node = true }]) => [
  {
    name: `${room}-uses-only-its-rooms`,
    severity: 'error',
    from: { path: `^${room}/` },
    to: {
      path: '^(?!node_modules)',
      pathNot: [`^(${mayUse.join('|')})(/|$)`],
      dependencyTypes: ['local', 'localmodule'],
    },
  },
  ...(packages
    ? [
        {
          name: `${room}-uses-only-its-packages`,
          severity: 'error',
          from: { path: `^${room}/` },
          to: {
            dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'npm-no-pkg', 'npm-unknown'],
            pathNot: [`node_modules/(@types/)?(${packages.map(quote).join('|')})`],
          },
        },
      ]
    : []),
  ...(node
    ? []
    : [
        {
          name: `${room}-stays-pure`,
          severity: 'error',
          from: { path: `^${room}/` },
          to: { dependencyTypes: ['core'] },
        },
      ]),
]);

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'workflows-know-only-the-types-of-activities',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^activities/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'configuration-only-in-composition-roots',
      severity: 'error',
      from: { path: '^webhook-gateway/', pathNot: '^webhook-gateway/server\\.ts$' },
      to: { path: '^config\\.ts$' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.sandbox)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
