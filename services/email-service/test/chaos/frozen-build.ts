/** A copy of what is built now, so that one run tests one build whatever is compiled meanwhile. */
import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PACKAGES = ['shared', 'migrations', 'services/email-service', 'services/workflow-worker'] as const;

export interface Build {
  /** With marks on the way of a batch, at which it can end itself. */
  readonly daemonMain: string;
  /** The daemon as it is shipped. */
  readonly productMain: string;
  readonly workerMain: string;
  readonly clockStep: string;
}

/** The folder of the repository, from the source as well as from the compiled file. */
export function repositoryRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'nx.json'))) {
    if (folder === dirname(folder)) throw new Error('not inside the repository');
    folder = dirname(folder);
  }
  return folder;
}

/** @throws when something is not built. */
export async function freezeBuild(to: string): Promise<Build> {
  const root = repositoryRoot();
  const modules = join(to, 'node_modules');
  await mkdir(join(modules, '@mailstream'), { recursive: true });
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== '@mailstream' && !name.startsWith('.'))
      await symlink(join(root, 'node_modules', name), join(modules, name));
  for (const folder of PACKAGES) {
    if (!existsSync(join(root, folder, 'dist'))) throw new Error(`${folder} is not built: npm run build`);
    for (const part of ['dist', 'package.json'])
      await cp(join(root, folder, part), join(to, folder, part), { recursive: true });
    await symlink(join(to, folder), join(modules, '@mailstream', folder.replace('services/', '')));
  }
  const clockStep = join(to, 'clock-step.mjs');
  await cp(join(root, 'services/email-service/test/chaos/clock-step.mjs'), clockStep);
  return {
    daemonMain: join(to, 'services/email-service/dist/testing/main.js'),
    productMain: join(to, 'services/email-service/dist/main.js'),
    workerMain: join(to, 'services/workflow-worker/dist/main.js'),
    clockStep,
  };
}
