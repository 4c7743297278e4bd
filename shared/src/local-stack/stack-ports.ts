/** Which ports the stack listens on: the documented ones, or free ones that stay the same from start to start. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { freePort, isFree } from './ports.ts';
import { SetupError } from './setup-error.ts';
import { writeWhole } from './whole-file.ts';

export const FIXED_PORTS = {
  server: 3000,
  emailService: 8080,
  worker: 8081,
  postgres: 5433,
  redis: 6380,
  imap: 3143,
  imaps: 3993,
  lmtp: 3024,
} as const;

export type PortName = keyof typeof FIXED_PORTS;
export type StackPorts = Readonly<Record<PortName, number>>;

const NAMES = Object.keys(FIXED_PORTS) as PortName[];
const DESCRIPTIONS: Readonly<Record<PortName, string>> = {
  server: 'API and settings UI',
  emailService: 'email service',
  worker: 'workflow worker',
  postgres: 'PostgreSQL',
  redis: 'Redis',
  imap: 'IMAP',
  imaps: 'IMAP over TLS',
  lmtp: 'mail delivery (LMTP)',
};

const savedSchema = z.partialRecord(z.enum(NAMES), z.int());

/**
 * @param file remembers random ports, because mailboxes that were added by hand name the port of the mail server.
 * @param unused of servers that are not started, because a URL from outside replaces them.
 * @throws SetupError naming every port that is taken.
 */
export async function choosePorts(
  mode: 'fixed' | 'random',
  file: string,
  unused: readonly PortName[],
): Promise<StackPorts> {
  if (mode === 'random') return randomPorts(file);
  const taken: string[] = [];
  for (const name of NAMES) {
    if (unused.includes(name) || (await isFree(FIXED_PORTS[name]))) continue;
    taken.push(`  ${FIXED_PORTS[name]}  (${DESCRIPTIONS[name]})`);
  }
  if (taken.length === 0) return FIXED_PORTS;
  throw new SetupError(
    `Another program already uses ${taken.length === 1 ? 'a port' : 'ports'} that Mailstream needs:\n${taken.join('\n')}\n` +
      'Stop that program, or start with free ports: npm start -- --ports=random',
    1,
  );
}

async function randomPorts(file: string): Promise<StackPorts> {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const saved = savedSchema.safeParse(JSON.parse(text)).data ?? {};
  const ports: Partial<Record<PortName, number>> = {};
  for (const name of NAMES) {
    const before = saved[name];
    ports[name] = before !== undefined && (await isFree(before)) ? before : await freePort();
  }
  await writeWhole(file, JSON.stringify(ports, null, 2));
  return ports as StackPorts;
}
