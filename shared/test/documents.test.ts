/**
 * What README files and guides say of the code, held against the code: commands, scripts, flags, files, settings, codes, metrics, routes and
 * links. A block of commands says above it who runs it: `run` (this file does), `tried by` (that test or script does), or `needs` (what the
 * machines that run the tests do not have).
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ERROR_CATALOGUE } from '@mailstream/shared/errors/catalogue';
import { METRIC_TABLE } from '@mailstream/shared/runtime/metric-table';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readStages, readText, ROOT } from './container-files.ts';
import { commandsOf, readDocument, readDocuments, targetOf } from './documents.ts';
import { toolPath } from './helm/chart-files.ts';

const documents = readDocuments();
const written = documents.filter(({ path }) => !path.includes('/generated/'));
const SHELLS = ['sh', 'powershell', 'sql'];
const blocks = written.flatMap((document) => document.blocks);
const commands = blocks.filter(({ language }) => SHELLS.includes(language));
const exists = (path: string): boolean => existsSync(join(ROOT, path));

/** What the machine of the tests does not have; a list, so that nobody finds a new excuse by accident. */
const LACKING = [
  'a cluster',
  'a Docker engine',
  'the client programs of PostgreSQL and a database in production',
  'Exchange Online',
  'your mail server',
];

const tools = new Map(
  await Promise.all(['helm', 'promtool'].map(async (name) => [name, await toolPath(name)] as const)),
);

interface Manifest {
  readonly workspaces?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
}
const manifest = (folder: string): Manifest => JSON.parse(readText(join(folder, 'package.json'))) as Manifest;
const workspaces = manifest('.').workspaces ?? [];

/** Every command line in blocks and in the text. */
const lines = [
  ...blocks.filter(({ language }) => language === 'sh').flatMap((block) => commandsOf(block)),
  ...written.flatMap(({ spans }) => spans),
].filter((line) => /^(npm|npx|node|docker|helm|kubectl|promtool) \S/.test(line));

describe('blocks of commands', () => {
  test.each(commands)('$at says who runs it', ({ mark, text }) => {
    expect(mark, text).not.toBeNull();
    const [kind, what] = mark ?? ['', ''];
    if (kind === 'needs') return expect(LACKING).toContain(what);
    if (kind === 'run') return expect(['nothing', 'helm', 'promtool']).toContain(what);
    expect(kind).toBe('tried by');
    return expect(exists(what), what).toBe(true);
  });

  for (const { at, text, mark } of commands) {
    if (mark?.[0] !== 'run') continue;
    const tool = mark[1] === 'nothing' ? process.execPath : (tools.get(mark[1]) ?? null);
    test.skipIf(tool === null)(`${at} runs`, async () => {
      const folder = await workFolder();
      try {
        const env = { ...process.env, PATH: `${dirname(tool ?? '')}:${process.env['PATH']}` };
        await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', text], { cwd: folder, env });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }

  test('the values of the install guide are the least that the chart takes', () => {
    const [values] = readDocument('helm/README.md').blocks.filter(({ text }) =>
      text.includes('existingSecret'),
    );
    expect(parse(values?.text ?? '')).toEqual(parse(readText('helm/ci/minimal-values.yaml')));
  });
});

/** A folder of its own that looks like a clone, with the values that the guide has the reader write. */
async function workFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mailstream-docs-'));
  for (const name of await readdir(ROOT)) await symlink(join(ROOT, name), join(folder, name));
  await copyFile(join(ROOT, 'helm/ci/minimal-values.yaml'), join(folder, 'values.mine.yaml'));
  return folder;
}

describe('commands in text and blocks', () => {
  test('there are many', () => {
    expect(lines.length).toBeGreaterThan(40);
  });

  test.each([...new Set(lines)].filter((line) => line.startsWith('npm ')))(
    '%s: a script that there is',
    (line) => {
      const [own = '', rest = ''] = line.split(' -- ');
      const workspace = /(?:-w|--workspace)[ =](\S+)/.exec(own)?.[1];
      if (workspace !== undefined) expect(workspaces).toContain(workspace);
      const words = own.split(' ').filter((word) => !word.startsWith('-') && word !== workspace);
      const script = words[1] === 'run' ? words[2] : words[1];
      if (script === 'ci' || (words[1] === 'run' && script === undefined)) return;
      expect(Object.keys(manifest(workspace ?? '.').scripts ?? {})).toContain(script);
      for (const [flag] of rest.matchAll(/--[a-z][\w-]*/g))
        expect(usageOf(script ?? ''), flag).toContain(flag);
      for (const [file] of rest.matchAll(/\S+\.ts\b/g)) expect(exists(file), file).toBe(true);
      // Parts by name, and the extra ones, which are keys.
      if (script === 'bench' && /^[\w-]+$/.test(rest) && !rest.startsWith('-'))
        expect(readText('services/email-service/bench/options.ts')).toMatch(
          new RegExp(`'${rest}'|\\b${rest}: '`),
        );
    },
  );

  test('other programs are given files, targets and objects that there are', () => {
    const stages = readStages().map(({ name }) => name);
    for (const line of lines) {
      for (const [, target = ''] of line.matchAll(/--target[ =]([\w-]+)/g))
        expect(stages, line).toContain(target);
      for (const [, file = ''] of line.matchAll(/--file[ =](\S+\.yml)/g))
        expect(exists(file), line).toBe(true);
      for (const [, kind = '', name = ''] of line.matchAll(
        /\b(deployment|service|job)\/mailstream-([\w-]+)/g,
      ))
        expect(
          kind === 'job' ? ['migrate', 'first-tenant'] : ['email-service', 'workflow-worker', 'server'],
          line,
        ).toContain(name);
      for (const [, program = ''] of line.matchAll(/\bnode (\S+\.m?js)/g))
        expect(
          exists(program.replace('/dist/', '/src/').replace(/\.js$/, '.ts')) || exists(program),
          line,
        ).toBe(true);
    }
  });
});

/** Text of the program behind a script that names its flags. */
function usageOf(script: string): string {
  const files: Readonly<Record<string, string>> = {
    start: 'shared/bin/start-main.mjs',
    chaos: 'services/email-service/test/chaos/options.ts',
    'create-tenant': 'server/src/create-tenant/options.ts',
    verify: 'shared/bin/verify-main.mjs',
  };
  return readText(files[script] ?? 'package.json');
}

describe('names', () => {
  const codes = written.flatMap(({ path, spans, blocks: own }) =>
    [...spans, ...own.map(({ text }) => text)].map((code) => ({ path, code })),
  );
  const settings = new Set(
    [...readText('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name),
  );

  /** Capitals with an underscore that are neither a setting nor an error code. */
  const OTHERS = new Set([
    'NODE_EXTRA_CA_CERTS', // of Node
    'MIGRATION_DATABASE_URL', // of the migration
    'ADMIN_URL', // of the reader's shell
    'CITUS_URL', // of a test
    'INBOUND_EMAIL_RECEIVED', // the event
    'EENGINE_SECRET', // of EmailEngine
    'OWN_MAILBOX', // reasons why no acknowledgement was sent
    'SENDER_UNVERIFIED',
    'TOO_OLD',
    'RECIPIENT_LIMIT',
    'PROVIDER_ID', // to be filled in
    'APPLICATION_ID',
    'OBJECT_ID_OF_THE_ENTERPRISE_APPLICATION',
  ]);

  test('a setting or an error code that a text names is there', () => {
    const wrong = codes.flatMap(({ path, code }) =>
      [...code.matchAll(/(?<![\w-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w-]|_)/g)]
        .map(([name]) => name)
        .filter((name) => !settings.has(name) && !Object.hasOwn(ERROR_CATALOGUE, name) && !OTHERS.has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('a metric that a text names is there, and so are its labels', () => {
    const ROLES = ['mailstream_app', 'mailstream_daemon', 'mailstream_auth', 'mailstream_session'];
    const metrics = new Map(
      Object.values(METRIC_TABLE).map(({ name, labels }) => [name as string, labels as readonly string[]]),
    );
    const wrong = codes.flatMap(({ path, code }) =>
      [...code.matchAll(/\b(mailstream_[a-z_]+)(?:\{(\w+))?/g)]
        .filter(([, name = '', label]) => {
          if (ROLES.some((role) => name.startsWith(role))) return false;
          const labels = metrics.get(name);
          // In an expression for Kubernetes the label is that of Prometheus.
          return (
            labels === undefined || (label !== undefined && label !== 'namespace' && !labels.includes(label))
          );
        })
        .map(([found]) => `${path}: ${found}`),
    );
    expect(wrong).toEqual([]);
  });

  test('a route that a text names is there', () => {
    const { paths } = JSON.parse(readText('server/openapi.json')) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const routes = new Set(
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, ':')}`),
      ),
    );
    const wrong = codes.flatMap(({ path, code }) =>
      [...code.matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/api\/[\w/:-]+)/g)]
        .map(
          ([, method = '', route = '']) => `${method} ${route.replaceAll(/:\w+/g, ':').replace(/\/$/, '')}`,
        )
        .filter((route) => !routes.has(route))
        .map((route) => `${path}: ${route}`),
    );
    expect(wrong).toEqual([]);
  });

  test('a value of the chart that a text names is there', () => {
    const values = parse(readText('helm/values.yaml')) as Record<string, unknown>;
    const wrong = codes.flatMap(({ path, code }) => {
      const keys = code.replace(/[=:].*$/s, '').split('.');
      if (!/^[a-z]\w*(\.\w+)+$/.test(keys.join('.')) || !Object.hasOwn(values, keys[0] ?? '')) return [];
      if (keys[0] === 'settings' || /^(ts|js|mjs|json|md|yaml)$/.test(keys.at(-1) ?? '')) return [];
      let value: unknown = values;
      for (const key of keys) value = (value as Record<string, unknown> | null | undefined)?.[key];
      return value === undefined && keys.at(-2) !== 'settings' ? [`${path}: ${code}`] : [];
    });
    expect(wrong).toEqual([]);
  });

  test('a file that a text names is there', () => {
    const wrong = codes.flatMap(({ path, code }) => {
      if (
        !/^[\w.-]+(\/[\w.*-]+)*\/[\w.*-]+\.(ts|tsx|mjs|json|ya?ml|md|sql)$/.test(code) ||
        code.includes('*')
      )
        return [];
      if (code.startsWith('.data/') || code.includes('node_modules')) return [];
      const folder = dirname(path);
      const places = [code, join(folder, code), join(folder, 'src', code), join(dirname(folder), code)];
      return places.some(exists) ? [] : [`${path}: ${code}`];
    });
    expect(wrong).toEqual([]);
  });
});

describe('links', () => {
  test.each(documents)('of $path lead somewhere', (document) => {
    for (const link of document.links) {
      const { path, anchor } = targetOf(document, link);
      expect(exists(path), link).toBe(true);
      if (anchor === '' || !path.endsWith('.md')) continue;
      expect(documents.find((other) => other.path === path)?.anchors, link).toContain(anchor);
    }
  });

  test('every guide is in the list of the root README', () => {
    const root = readDocument('README.md');
    const listed = root.links.map((link) => targetOf(root, link).path);
    for (const { path } of documents) if (path !== 'README.md') expect(listed).toContain(path);
  });
});

describe('the sections of error codes', () => {
  const guide = readDocument('shared/generated/errors.md');
  const sections = new Map(
    guide.text
      .split(/^## /m)
      .slice(1)
      .map((text) => [/^`(\w+)`/.exec(text)?.[1] ?? text.slice(0, 40), text]),
  );

  test('are one for each code of the catalogue, and no other', () => {
    expect([...sections.keys()]).toEqual(Object.keys(ERROR_CATALOGUE));
  });

  test.each(Object.entries(ERROR_CATALOGUE))(
    '%s: meaning, cause and what to do',
    (code, { message, hint }) => {
      const section = sections.get(code) ?? '';
      expect(section).toContain(`**${message}**`);
      expect(section).toContain(hint);
      expect(/^Why: (.{30,})$/m.exec(section)?.[1]).toBeDefined();
      expect(section.match(/^- .{15,}$/gm)?.length).toBeGreaterThan(0);
    },
  );

  test('can be found from the guide to troubleshooting', () => {
    expect(readFileSync(join(ROOT, 'server/docs/troubleshooting.md'), 'utf8')).toContain(
      '(../../shared/generated/errors.md)',
    );
  });
});
