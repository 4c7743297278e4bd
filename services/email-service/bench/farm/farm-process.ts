/** The farm as a process of its own: takes requests from the process that forked it, and ends with it. */
import { startFarmServer } from './farm-server.ts';
import type { FarmReply, FarmRequest } from './farm.ts';

const server = await startFarmServer();
const tell = (reply: FarmReply): void => void process.send?.(reply);

process.on('message', (message: FarmRequest) => {
  if (message.kind === 'prepare') server.prepare(message.user, message.expunged);
  if (message.kind === 'deliver') server.deliver(message.users, message.arrival);
  // The monotonic clock of the machine: the same for all its processes.
  tell({ id: message.id, atNs: String(process.hrtime.bigint()), state: server.state() });
});
process.once('disconnect', () => process.exit(0));
tell({ id: 0, atNs: String(server.port), state: server.state() });
