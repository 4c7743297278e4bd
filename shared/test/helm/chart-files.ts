/** The chart's files, and the programs that its tests need where they are installed (`.ci/kubernetes-tools`). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '@mailstream/shared/local-stack/find-program';
import { ROOT } from '../container-files.ts';

export const CHART = join(ROOT, 'helm');
const CACHE = join(ROOT, 'node_modules', '.cache', 'mailstream', 'kubernetes');
export const SCHEMAS = join(CACHE, 'schemas');

export function chartFile(path: string): string {
  return readFileSync(join(CHART, path), 'utf8');
}

/** Text of all templates. */
export function templates(): string {
  return readdirSync(join(CHART, 'templates'))
    .map((name) => chartFile(`templates/${name}`))
    .join('\n');
}

/** @returns its path, null where it is not installed */
export async function toolPath(name: string): Promise<string | null> {
  const cached = join(CACHE, 'bin', name);
  return existsSync(cached) ? cached : findProgram(name);
}

/** As in templates/_helpers.tpl. */
export const PROCESSES = {
  'email-service': { key: 'emailService', folder: 'services/email-service', port: 8080 },
  'workflow-worker': { key: 'workflowWorker', folder: 'services/workflow-worker', port: 8081 },
  server: { key: 'server', folder: 'server', port: 3000 },
} as const;
export type ProcessName = keyof typeof PROCESSES;
export const PROCESS_NAMES = Object.keys(PROCESSES) as readonly ProcessName[];
