/** The users of Redis exactly as `shared/docs/stores.md` tells to make them. */
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

const PAGE = new URL('../../docs/stores.md', import.meta.url);

/**
 * Makes a user, and gives it what the page adds further down.
 * @param isCluster also what it adds for a Cluster
 */
export async function makeDocumentedUsers(
  admin: Redis,
  options: { readonly user: string; readonly password: string; readonly isCluster?: boolean },
): Promise<void> {
  const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/```acl\n([^`]+)```/g)].map(([, text = '']) => text);
  const lines = blocks
    .join('')
    .split('\n')
    .filter((line) => line.startsWith(`ACL SETUSER ${options.user} `));
  if (lines.length === 0) throw new Error(`${PAGE.pathname} tells of no user ${options.user}`);
  for (const line of lines) {
    if (line.includes('+cluster|') && options.isCluster !== true) continue;
    const [command = '', ...words] = line.split(' ');
    await admin.call(command, ...words.map((word) => word.replace('PASSWORD', options.password)));
  }
}
