/** Free and taken TCP ports on 127.0.0.1. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range from which Linux (32768 on) and macOS (49152 on) take ports for outgoing connections: a port found
 * free there could be gone again before the server binds it.
 */
const FIRST = 20_000;
const LAST = 32_000;

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

const given = new Set<number>();

/** A port that is free now and that this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(FIRST, LAST);
    if (!given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
  }
  throw new Error(`no free TCP port found between ${FIRST} and ${LAST} on 127.0.0.1`);
}
