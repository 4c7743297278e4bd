/** Secrets and ids of this clone's stack: made once, kept in a file that only its owner may read. */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeWhole } from './whole-file.ts';

const credentialsSchema = z.object({
  postgresPassword: z.string(),
  /** Of the role that the services log in with. */
  loginPassword: z.string(),
  redisPassword: z.string(),
  /** Of every mailbox on the local mail server. */
  mailPassword: z.string(),
  /** Of the demo user in the settings UI. */
  userPassword: z.string(),
  secretsMasterKey: z.string(),
  apiToken: z.string(),
  apiTokenId: z.uuid(),
  tenantId: z.uuid(),
  userId: z.uuid(),
});
export type Credentials = z.infer<typeof credentialsSchema>;

/** @throws z.ZodError or SyntaxError when the file is damaged: without the master key the stored secrets cannot be read. */
export async function loadCredentials(file: string): Promise<Credentials> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text !== null) return credentialsSchema.parse(JSON.parse(text));
  const password = (bytes = 18): string => randomBytes(bytes).toString('base64url');
  const made: Credentials = {
    postgresPassword: password(),
    loginPassword: password(),
    redisPassword: password(),
    // Typed by hand into mail programs and the login page.
    mailPassword: password(9),
    userPassword: password(9),
    secretsMasterKey: randomBytes(32).toString('base64'),
    apiToken: `mst_${password(32)}`,
    apiTokenId: randomUUID(),
    tenantId: randomUUID(),
    userId: randomUUID(),
  };
  await writeWhole(file, JSON.stringify(made, null, 2));
  return made;
}
