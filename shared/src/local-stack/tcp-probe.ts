/** Talks to a line-based server just long enough to know that it answers as expected. */
import { connect } from 'node:net';

/** True when the server's first lines, after sending `send`, match `expected` within a second. */
export function answers(port: number, expected: RegExp, send = ''): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let received = '';
    const finish = (isExpected: boolean): void => {
      socket.destroy();
      resolve(isExpected);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
    socket.on('connect', () => socket.write(send));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (expected.test(received)) finish(true);
    });
  });
}
