/**
 * The dependency rules, as data: which file may import what (README, "Which package may import what").
 *
 * A rule looks at one edge: a file and what it imports, both as paths from the root (`shared/src/domain/ids.ts`), or the name
 * of a package from outside (`node:fs`, `pg`). Types count as well: what is imported for its type is still known.
 */

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly isTypeOnly: boolean;
}

interface Rule {
  readonly number: number;
  readonly text: string;
  readonly forbids: (edge: Edge) => boolean;
}

const PROCESSES = ['services/email-service/', 'services/workflow-worker/', 'server/'];

const isTest = (path: string): boolean => /\.test\.tsx?$|\/(test|bench)\/|\/src\/testing\//.test(path);
const isOurs = (path: string): boolean => /^(shared|migrations|services|server|ee)\//.test(path);
const below = (folder: string) => (path: string) => path.startsWith(folder);
const processOf = (path: string): string | undefined => PROCESSES.find((folder) => path.startsWith(folder));
const isCore = (path: string): boolean => /^(services\/[^/]+|server)\/src\/core\//.test(path);
const isAdapter = (path: string): boolean => /\/src\/adapters\//.test(path);
/** The server has a second program, which is run from a terminal and has a root of its own. */
const isCompose = (path: string): boolean => /\/src\/(create-tenant\/)?compose\.ts$/.test(path);
/** `ports.ts`, or the files of a folder `ports/` where one page would be too long. */
const isPorts = (path: string): boolean => /\/src\/(ports\.ts$|ports\/[^/]+$)/.test(path);
/** Of a process, or of the same process with what `ee/` adds. */
const isMain = (path: string): boolean =>
  /\/src\/(create-tenant\/)?main\.ts$|^ee\/src\/[^/]+\/main\.ts$/.test(path);
/** What an adapter speaks to, by the first word of its name; files without such a word are what adapters share. */
const TECHNOLOGY = /\/src\/adapters\/(pg|redis|imap|mail|argon2|oauth|storage)[-.]/;
const technologyOf = (path: string): string | undefined => TECHNOLOGY.exec(path)?.[1];

const domain = below('shared/src/domain/');
const isForTests = (path: string): boolean => /\/src\/testing\/|^shared\/src\/local-stack\//.test(path);

export const RULES: readonly Rule[] = [
  {
    number: 1,
    text: 'shared/src/domain imports nothing but itself',
    forbids: ({ from, to }) => domain(from) && !domain(to),
  },
  {
    number: 2,
    text: 'core/ imports itself, shared/src/domain, and types of shared/src/events and of ports: no package, no Node module',
    forbids: ({ from, to, isTypeOnly }) => {
      if (!isCore(from) || domain(to)) return false;
      if (isCore(to)) return processOf(from) !== processOf(to);
      return !(isTypeOnly && (below('shared/src/events/')(to) || isPorts(to)));
    },
  },
  {
    number: 3,
    text: 'ports.ts and ports/ import types only',
    forbids: ({ from, isTypeOnly }) => isPorts(from) && !isTypeOnly,
  },
  {
    number: 4,
    text: 'an adapter does not import an adapter of another technology (pg-, redis-, imap-, mail- …), compose.ts or main.ts',
    forbids: ({ from, to }) => {
      if (!isAdapter(from)) return false;
      const [own, other] = [technologyOf(from), technologyOf(to)];
      return isCompose(to) || isMain(to) || (own !== undefined && other !== undefined && own !== other);
    },
  },
  {
    number: 5,
    text: 'only compose.ts (and adapters, rule 4) imports adapters',
    forbids: ({ from, to }) => isAdapter(to) && !isAdapter(from) && !isCompose(from),
  },
  {
    number: 6,
    text: 'only main.ts imports compose.ts',
    forbids: ({ from, to }) => isCompose(to) && !isMain(from),
  },
  {
    number: 7,
    text: 'processes do not import each other; they meet in the stream and in tables',
    forbids: ({ from, to }) => {
      const [a, b] = [processOf(from), processOf(to)];
      return a !== undefined && b !== undefined && a !== b;
    },
  },
  {
    number: 8,
    text: 'shared imports no other package; migrations only shared',
    forbids: ({ from, to }) => {
      if (below('shared/src/')(from)) return isOurs(to) && !below('shared/')(to);
      return below('migrations/')(from) && isOurs(to) && !below('shared/')(to) && !below('migrations/')(to);
    },
  },
  {
    number: 9,
    text: 'nothing in the open part imports ee',
    forbids: ({ from, to }) => below('ee/')(to) && !below('ee/')(from),
  },
  {
    number: 10,
    text: 'only tests, shared/bin and shared/src/local-stack import what is for tests and development',
    forbids: ({ from, to }) => isForTests(to) && !isForTests(from) && !below('shared/bin/')(from),
  },
  {
    number: 11,
    text: 'the UI takes types from server/src/contracts and nothing else of ours',
    forbids: ({ from, to, isTypeOnly }) =>
      below('server/web/')(from) &&
      isOurs(to) &&
      !below('server/web/')(to) &&
      !(isTypeOnly && below('server/src/contracts')(to)),
  },
  {
    number: 12,
    text: 'ee knows of a process its config.ts, compose.ts and ports',
    forbids: ({ from, to }) =>
      below('ee/')(from) &&
      processOf(to) !== undefined &&
      !to.endsWith('/src/config.ts') &&
      !isCompose(to) &&
      !isPorts(to),
  },
];

/** One line for each rule that the edge breaks. Tests may import what they test. */
export function violations(edge: Edge): readonly string[] {
  if (isTest(edge.from)) return [];
  return RULES.filter(({ forbids }) => forbids(edge)).map(
    ({ number, text }) => `rule ${number} (${text}): ${edge.from} imports ${edge.to}`,
  );
}

/** The only places that may read the environment; everywhere else values are handed in. */
export function mayReadEnvironment(path: string): boolean {
  return (
    /\/src\/(create-tenant\/)?config\.ts$/.test(path) ||
    isMain(path) ||
    /^shared\/(bin|src\/local-stack)\//.test(path) ||
    path === 'shared/src/runtime/env.ts' ||
    isTest(path)
  );
}
