/** TLS for the tests' PostgreSQL, switched on while it runs. Who asks for none gets none, so other test files do not notice. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll } from 'vitest';
import { testServers } from './fixtures.ts';
import { useFolder } from './redis-node.ts';
import { makeTestCertificate } from './test-certificate.ts';

export interface PostgresTls {
  /** The same, verified with the server's own authority. */
  secure(url: string): string;
}

export async function usePostgresTls(): Promise<PostgresTls> {
  const { adminUrl } = testServers().postgres;
  const { cert, key } = makeTestCertificate(['localhost']);
  const authority = join(await useFolder(), 'postgres.pem');
  await writeFile(authority, cert);
  await administer(adminUrl, async (client) => {
    for (const [name, text] of Object.entries({ 'tests.crt': cert, 'tests.key': key })) {
      const lines = text
        .trim()
        .split('\n')
        .map((line) => `('${line}')`);
      // By its own hand: the file must be its own, and nobody else's to read.
      await client.query(`COPY (VALUES ${lines.join(', ')}) TO PROGRAM 'umask 077 && cat > ${name}'`);
    }
    await client.query(`ALTER SYSTEM SET ssl_cert_file = 'tests.crt'`);
    await client.query(`ALTER SYSTEM SET ssl_key_file = 'tests.key'`);
    await client.query('ALTER SYSTEM SET ssl = on');
  });
  afterAll(() =>
    administer(adminUrl, async (client) => {
      for (const name of ['ssl', 'ssl_cert_file', 'ssl_key_file'])
        await client.query(`ALTER SYSTEM RESET ${name}`);
    }),
  );
  return {
    secure: (url) => {
      const secured = new URL(url);
      secured.hostname = 'localhost';
      secured.searchParams.set('sslmode', 'verify-full');
      secured.searchParams.set('sslrootcert', authority);
      return secured.href;
    },
  };
}

async function administer(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
    await client.query('SELECT pg_reload_conf()');
  } finally {
    await client.end();
  }
}
