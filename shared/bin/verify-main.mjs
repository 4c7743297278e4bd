// What is generated, from what, and whether the files in the repository say the same.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dashboard } from './generated-dashboard.mjs';
import { errorGuide, eventSchema, metricTable } from './generated-docs.mjs';
import { environmentExample } from './generated-env.mjs';
import { helmReadme } from './generated-helm.mjs';
import { prepare, ROOT } from './prepare.mjs';

/** Path from the root → its text. Whoever adds a generated file adds a line. */
const GENERATED = {
  'shared/generated/inbound-email-received.schema.json': eventSchema,
  'shared/generated/errors.md': errorGuide,
  'shared/generated/metrics.md': metricTable,
  '.env.example': environmentExample,
  'helm/README.md': helmReadme,
  'helm/dashboards/mailstream.json': dashboard,
  'server/openapi.json': async () => (await import('../../server/dist/openapi.js')).openApiText(),
};

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

/** @param {string[]} args */
export async function main(args) {
  try {
    await prepare(say);
    process.exitCode = await verify(args.includes('--write'));
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error && 'exitCode' in error ? error.message : (error?.stack ?? error)}\n`,
    );
    process.exitCode = Number(error?.exitCode ?? 1);
  }
}

/** @param {boolean} mayWrite @returns {Promise<number>} exit code */
async function verify(mayWrite) {
  /** @type {string[]} */
  const different = [];
  for (const [path, generate] of Object.entries(GENERATED)) {
    const text = await generate();
    if (text === read(path)) continue;
    different.push(path);
    if (mayWrite) write(path, text);
  }
  if (different.length === 0) say(`${Object.keys(GENERATED).length} generated files are up to date.`);
  else if (mayWrite) say(`Written: ${different.join(', ')}`);
  else say(`Out of date: ${different.join(', ')}\nRun "npm run verify -- --write" and look at what changed.`);
  return different.length === 0 || mayWrite ? 0 : 1;
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return null;
  }
}

/** @param {string} path @param {string} text */
function write(path, text) {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
}
