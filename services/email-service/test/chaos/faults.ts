/** Makes one fault happen, lasts as long as the schedule says, and takes it back. */
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ImapFlow } from 'imapflow';
import { assertNever } from '@mailstream/shared/domain/never';
import type { ServerProcess } from '@mailstream/shared/local-stack/server-process';
import type { TcpLink } from '@mailstream/shared/testing/tcp-link';
import type { Replica } from './replica.ts';
import type { ScheduledFault, ServerName } from './schedule.ts';
import type { Managed } from './servers.ts';
import type { World } from './world.ts';

/** For a daemon that was started anew to get a mailbox with mail. */
const STEP_PATIENCE_MS = 5_000;
const FLICKER_MS = 30;

/** Resolves when the fault is over and what it stopped was started again. */
export async function perform(world: World, { fault, forMs }: ScheduledFault): Promise<void> {
  switch (fault.kind) {
    case 'kill': {
      const replica = replicaOf(world, fault.target);
      await replica.kill();
      await delay(forMs);
      return replica.start();
    }
    case 'killAtStep': {
      const replica = replicaOf(world, fault.target);
      await replica.stop();
      replica.start({ TEST_CRASH_AT: fault.step }, true);
      await Promise.race([replica.ended, delay(forMs)]);
      // It may not have come to that step: then it ends here, like any other.
      await replica.kill();
      return replica.start();
    }
    case 'freeze': {
      const replica = replicaOf(world, fault.target);
      replica.freeze();
      await delay(forMs);
      return replica.thaw();
    }
    case 'freezeAtStep': {
      const replica = replicaOf(world, fault.target);
      await replica.stop();
      replica.start({ TEST_STOP_AT: fault.step });
      // It may get no mailbox, or none with mail: then it stops here, like any other.
      if (!(await replica.stopsItself(STEP_PATIENCE_MS))) replica.freeze();
      await delay(forMs);
      return replica.thaw();
    }
    case 'terminate': {
      const replica = replicaOf(world, fault.target);
      await replica.stop();
      await delay(forMs);
      return replica.start();
    }
    case 'stepClock': {
      const replica = replicaOf(world, fault.target);
      await replica.stepClock(fault.byMs);
      await delay(forMs);
      return replica.stepClock(0);
    }
    case 'restartServer':
    case 'killServer': {
      const server = serverOf(world, fault.target);
      await (fault.kind === 'killServer' ? server.kill() : server.stop());
      await delay(forMs);
      return server.start();
    }
    case 'fullRedis':
      await world.redis.setFull(true);
      await delay(forMs);
      return world.redis.setFull(false);
    case 'flickeringRedis':
      for (const until = performance.now() + forMs; performance.now() < until;) {
        await world.redis.setFull(true);
        await delay(FLICKER_MS);
        await world.redis.setFull(false);
        await delay(FLICKER_MS);
      }
      return;
    case 'fullStorage':
      await world.storage.setFull(true);
      await delay(forMs);
      return world.storage.setFull(false);
    case 'readMail':
      return readMail(world);
    case 'newUidValidity': {
      await world.dovecot.stop();
      await forgetUids(world, fault.mailbox);
      await delay(forMs);
      return world.dovecot.start();
    }
    case 'replaceMailbox': {
      const home = homeOf(world, fault.mailbox);
      await world.dovecot.stop();
      await rename(home, `${home}.away`);
      await world.dovecot.start();
      await delay(forMs);
      await world.dovecot.stop();
      await bringBack(home);
      return world.dovecot.start();
    }
    case 'emptyRedis':
      await delay(forMs);
      return world.redis.empty();
    case 'cutRedisTail':
      await delay(forMs);
      return world.redis.loseTail(fault.bytes);
    case 'restorePostgres':
      await world.postgres.snapshot();
      await delay(forMs);
      return world.postgres.restore();
    case 'resetLink':
      return linkOf(world, fault.target).cut();
    case 'endLink':
      return linkOf(world, fault.target).end();
    case 'refuseLink': {
      const link = linkOf(world, fault.target);
      await link.refuse();
      await delay(forMs);
      return link.accept();
    }
    case 'blackHole': {
      const link = linkOf(world, fault.target);
      link.freeze(fault.scope);
      await delay(forMs);
      return link.thaw(fault.then);
    }
    case 'weather': {
      const link = linkOf(world, fault.target);
      link.setWeather(fault.weather);
      await delay(forMs);
      return link.setWeather(null);
    }
    default:
      return assertNever(fault);
  }
}

/** Without its list of UIDs Dovecot numbers a mailbox anew, under another UIDVALIDITY. */
async function forgetUids(world: World, index: number): Promise<void> {
  const maildir = join(homeOf(world, index), 'Maildir');
  for (const name of await readdir(maildir).catch(() => []))
    if (name.startsWith('dovecot')) await rm(join(maildir, name), { recursive: true, force: true });
}

/** The old mailbox takes its place again, and what came into the other one is put into it. */
async function bringBack(home: string): Promise<void> {
  const other = `${home}.other`;
  await rename(home, other).catch(() => undefined);
  await rename(`${home}.away`, home);
  for (const folder of ['new', 'cur'])
    for (const name of await readdir(join(other, 'Maildir', folder)).catch(() => []))
      await rename(
        join(other, 'Maildir', folder, name),
        join(home, 'Maildir', 'new', name.replace(/:.*$/, '')),
      );
  await rm(other, { recursive: true, force: true });
}

function homeOf(world: World, index: number): string {
  const mailbox = world.mailboxes[index];
  if (mailbox === undefined) throw new Error(`no mailbox ${index}`);
  return join(world.dovecot.server.mailDir, mailbox.user);
}

/** What it cannot reach stays unread, as in life. */
async function readMail(world: World): Promise<void> {
  const { imapPort: port, password: pass } = world.dovecot.server;
  for (const { user } of world.mailboxes) {
    const client = new ImapFlow({
      host: '127.0.0.1',
      port,
      secure: false,
      doSTARTTLS: false,
      auth: { user, pass },
      logger: false,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.mailboxOpen('INBOX');
      await client.messageFlagsAdd('1:*', ['\\Seen']);
      await client.logout();
    } catch {
      client.close();
    }
  }
}

function replicaOf(world: World, name: string): Replica {
  const found = [...world.daemons, ...world.workers].find((replica) => replica.name === name);
  if (found === undefined) throw new Error(`no replica ${name}`);
  return found;
}

function linkOf(world: World, name: string): TcpLink {
  const found = world.links.get(name);
  if (found === undefined) throw new Error(`no link ${name}`);
  return found;
}

function serverOf(world: World, name: ServerName): Managed<ServerProcess> {
  return world[name];
}
