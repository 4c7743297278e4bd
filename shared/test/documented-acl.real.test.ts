/** The users of `shared/docs/stores.md` may run every command that stands in a script of ours or of BullMQ, also those that no other test comes to. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeDocumentedUsers } from '@mailstream/shared/testing/documented-acl';
import { useRedis } from '@mailstream/shared/testing/fixtures';
import { Redis } from 'ioredis';
import { afterAll, expect, it } from 'vitest';

const { url } = await useRedis();
const admin = new Redis(url);

/** Besides the documented users, whom other tests of the same run may have made on servers of their own. */
const users = ['mailstream-email', 'mailstream-worker'];
afterAll(async () => {
  await admin.call('ACL', 'DELUSER', ...users);
  admin.disconnect();
});

function textOf(folder: string, names: RegExp): string {
  const path = fileURLToPath(new URL(folder, import.meta.url));
  return readdirSync(path)
    .filter((name) => names.test(name))
    .map((name) => readFileSync(`${path}/${name}`, 'utf8'))
    .join('\n');
}

/** `rcall("X"` and `redis.call('X', 'SUB'`; what takes its keys after a word is left to the tests that use it. */
function commandsIn(text: string): readonly (readonly string[])[] {
  const calls = text.matchAll(/\b(?:rcall|redis\.call)\(\s*(["'])(\w+)\1(?:\s*,\s*(["'])([A-Z]{4,})\3)?/g);
  const commands = new Map<string, readonly string[]>();
  for (const [, , name = '', , word] of calls) {
    const hasKinds = /^(XINFO|XGROUP)$/i.test(name);
    const command = hasKinds && word !== undefined ? [name, word] : [name];
    commands.set(command.join(' ').toUpperCase(), command);
  }
  return [...commands.values()].filter(([name = '']) => !/^(XREAD|XREADGROUP)$/i.test(name));
}

async function denials(
  user: string,
  key: string,
  commands: readonly (readonly string[])[],
): Promise<unknown> {
  const denied: string[] = [];
  for (const command of commands) {
    const [[, arity]] = (await admin.call('COMMAND', 'INFO', command.join('|'))) as [[string, number]];
    const filled = Array.from({ length: Math.abs(arity) - command.length }, () => key);
    const answer = await admin.call('ACL', 'DRYRUN', user, ...command, ...filled);
    if (answer !== 'OK') denied.push(String(answer));
  }
  return denied;
}

it.each([
  [
    'mailstream-email',
    '../../services/email-service/src/adapters',
    /^redis-.*\.ts$/,
    'workflow:events:global',
    8,
  ],
  [
    'mailstream-worker',
    '../../services/workflow-worker/src/adapters',
    /^redis-.*\.ts$/,
    '{workflow:events:global}:attempts',
    12,
  ],
  ['mailstream-worker', '../../node_modules/bullmq/dist/esm/scripts', /\.js$/, '{mailstream}:jobs:wait', 50],
] as const)('%s runs all commands of %s', async (user, folder, files, key, atLeast) => {
  await makeDocumentedUsers(admin, { user, password: 'secret' });
  const commands = commandsIn(textOf(folder, files));
  expect(commands.length).toBeGreaterThanOrEqual(atLeast);
  expect(await denials(user, key, commands)).toEqual([]);
});
