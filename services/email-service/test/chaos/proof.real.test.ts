/** A part of the proof that damage is seen (`npm run chaos -- --mutants` is all of it), and that all of it still fits the product. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { repositoryRoot } from './frozen-build.ts';
import { mutated } from './mutate-build.ts';
import { MUTANTS } from './mutants.ts';
import { linesOf } from './report.ts';
import { tryMutant } from './proof.ts';
import { makeTemplate, type Template } from './template.ts';

/** Quick ones, one for each side of the stream. */
const QUICK = MUTANTS.filter(({ name }) => ['newest-first', 'no-gate'].includes(name));

let folder: string;
let template: Template;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mschaos-'));
  await chmod(folder, 0o755);
  template = await makeTemplate(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it('each deliberate fault stands where the built product can have it', async () => {
  for (const { name, patches } of MUTANTS)
    expect((await mutated(repositoryRoot(), patches)).size, name).toBeGreaterThan(0);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(12);
});

it.each(QUICK)('the fault $name is caught: $what', { timeout: 120_000 }, async (mutant) => {
  const { result, caughtIn } = await tryMutant(mutant, {
    template,
    within: folder,
    keepIn: join(folder, 'kept'),
    seed: 1,
    say: () => undefined,
  });
  expect(caughtIn, linesOf(result).join('\n')).not.toEqual([]);
});
