/**
 * "Test before save", and what is wrong when a mailbox cannot be reached: one step after the other, up to the first that
 * fails. What a stranger's service says is never passed on; only codes and sentences of the catalogue, and from a login on
 * the server's own words (cut, one line, without addresses).
 */
import type { Fault } from '../domain/fault.ts';
import type { ImapEndpoint } from '../domain/provider.ts';
import { type ErrorCode, errorEntry, isErrorCode } from '../errors/catalogue.ts';
import { FaultError } from '../errors/fault-error.ts';
import { bounded } from './bounded.ts';
import { matchFolder } from './folder-names.ts';
import { type ImapClientPorts, type ImapConnection, openImapClient } from './imap-client.ts';
import type { ImapCredentials } from './imap-credentials.ts';
import { imapFault } from './imap-faults.ts';
import { type FolderList, listFolders, type ListedFolder } from './list-folders.ts';
import { serverText } from './server-text.ts';
import { type CertificateFacts, lookAtTls, openTcp } from './tls-handshake.ts';

export type ProbeStepName = 'dns' | 'tcp' | 'tls' | 'login' | 'folders' | 'idle';

export interface ProbeStep {
  readonly step: ProbeStepName;
  readonly ok: boolean;
  /** Of the catalogue; with `message` and `hint` only when the step failed. */
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly hint?: string;
  /** The server's own words, from login on. Text to be shown as text. */
  readonly detail?: string;
  readonly durationMs: number;
}

export interface ProbeReport {
  /** True when mail can be followed with these settings. A server without IDLE is polled: that is no failure. */
  readonly ok: boolean;
  /** In order; none after the first that failed. */
  readonly steps: readonly ProbeStep[];
  /** Present for a failed TLS step too, where there was a handshake. */
  readonly certificate: CertificateFacts | null;
  readonly folders: readonly ListedFolder[];
  /** There are more folders than listed. */
  readonly foldersCut: boolean;
  /** Of `request.folders`, those that are not there. */
  readonly missingFolders: readonly string[];
  readonly canIdle: boolean;
}

export interface ProbeRequest {
  readonly endpoint: ImapEndpoint;
  /** Asked for at the login step: a token may have to be fetched first. */
  readonly credentials: () => Promise<ImapCredentials>;
  /** Folders that are going to be watched; each has to be there. */
  readonly folders: readonly string[];
  /** Over all steps, milliseconds. */
  readonly deadlineMs: number;
}

/** A folder list beyond this is not waited for, bytes. */
const MOST_LIST_BYTES = 2 * 1024 * 1024;

/** Never rejects for anything a mail server can do. */
export async function probeMailbox(
  request: ProbeRequest,
  ports: ImapClientPorts,
  signal: AbortSignal,
): Promise<ProbeReport> {
  return await new Probe(request, ports).run(signal);
}

class Probe {
  readonly #request: ProbeRequest;
  readonly #ports: ImapClientPorts;
  readonly #steps: ProbeStep[] = [];
  #certificate: CertificateFacts | null = null;
  #list: FolderList = { folders: [], isCut: false };
  #missing: readonly string[] = [];
  #canIdle = false;
  #current: ProbeStepName = 'dns';
  #beganAt = 0;

  constructor(request: ProbeRequest, ports: ImapClientPorts) {
    this.#request = request;
    this.#ports = ports;
  }

  async run(signal: AbortSignal): Promise<ProbeReport> {
    const { clock } = this.#ports;
    const limits = { clock, deadlineMs: this.#request.deadlineMs, signal, doing: 'the test' };
    try {
      await bounded(limits, (stop) => this.#allSteps(stop));
    } catch (error) {
      this.#steps.push(this.#failed(imapFault(error, this.#current === 'login' ? 'loggingIn' : 'working')));
    }
    return {
      ok: this.#steps.every(({ step, ok }) => ok || step === 'idle'),
      // A copy: what was under way at the deadline may still finish.
      steps: [...this.#steps],
      certificate: this.#certificate,
      folders: this.#list.folders,
      foldersCut: this.#list.isCut,
      missingFolders: this.#missing,
      canIdle: this.#canIdle,
    };
  }

  async #allSteps(stop: AbortSignal): Promise<void> {
    const { endpoint } = this.#request;
    const { guard, plaintext, tls } = this.#ports;
    const { address } = await this.#step('dns', () => guard.resolve(endpoint.host, endpoint.port));
    const socket = await this.#step('tcp', () =>
      this.#briefly(stop, 'connecting', (soon) => openTcp(address, endpoint.port, soon)),
    );
    whenAborted(stop, () => socket.destroy());
    await this.#step('tls', async () => {
      if (endpoint.security === 'plain') {
        socket.destroy();
        if (!plaintext.allows(address)) throw plainForbidden();
        return;
      }
      const looking = this.#briefly(stop, 'the TLS handshake', () => lookAtTls(socket, endpoint, tls));
      const { certificate, fault } = await looking.finally(() => socket.destroy());
      this.#certificate = certificate;
      if (fault !== null) throw new FaultError(fault);
    });
    const connection = await this.#step('login', async () =>
      openImapClient(endpoint, await this.#request.credentials(), this.#ports, stop),
    );
    whenAborted(stop, () => connection.client.close());
    try {
      await this.#step('folders', () => this.#listFolders(connection));
      await this.#step('idle', async () => {
        this.#canIdle = connection.client.capabilities.has('IDLE');
      });
    } finally {
      connection.client.close();
    }
  }

  /** Within the time that a connection may take. */
  async #briefly<T>(signal: AbortSignal, doing: string, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, settings } = this.#ports;
    return await bounded({ clock, deadlineMs: settings.connectTimeoutMs, signal, doing }, work);
  }

  async #listFolders({ client, wire, namespacePrefix }: ImapConnection): Promise<void> {
    const most = client.stats().received + MOST_LIST_BYTES;
    let isTooLong = false;
    wire.onLine = () => {
      if (isTooLong || client.stats().received <= most) return;
      isTooLong = true;
      client.closeAfter();
    };
    this.#list = await listFolders(client, { withCounts: true }).catch((error: unknown) => {
      throw isTooLong ? tooLong() : error;
    });
    const names = this.#list.folders.filter(({ isSelectable }) => isSelectable).map(({ path }) => path);
    const prefix = this.#request.folders.length === 0 ? '' : await namespacePrefix();
    this.#missing = this.#request.folders.filter(
      (wanted) => matchFolder(wanted, names, prefix) === null && wanted.toUpperCase() !== 'INBOX',
    );
    if (this.#missing.length > 0 && !this.#list.isCut) {
      throw new FaultError({
        kind: 'folderGone',
        code: 'IMAP_FOLDER_MISSING',
        detail: serverText(this.#missing.join(', ')),
      });
    }
  }

  async #step<T>(name: ProbeStepName, work: () => Promise<T>): Promise<T> {
    this.#current = name;
    this.#beganAt = this.#ports.clock.monotonicMs();
    const result = await work();
    this.#steps.push({ step: name, ok: true, durationMs: this.#elapsed() });
    return result;
  }

  #failed(fault: Fault): ProbeStep {
    const code = isErrorCode(fault.code) ? fault.code : 'INTERNAL';
    const { message, hint } = errorEntry(code);
    const isKnownServer = this.#current === 'login' || this.#current === 'folders';
    return {
      step: this.#current,
      ok: false,
      code,
      message,
      hint,
      ...(isKnownServer ? { detail: fault.detail } : {}),
      durationMs: this.#elapsed(),
    };
  }

  #elapsed(): number {
    return Math.round(this.#ports.clock.monotonicMs() - this.#beganAt);
  }
}

function whenAborted(signal: AbortSignal, action: () => void): void {
  if (signal.aborted) action();
  else signal.addEventListener('abort', action, { once: true });
}

function tooLong(): FaultError {
  return new FaultError({ kind: 'transient', code: 'IMAP_PROTOCOL', detail: 'the folder list has no end' });
}

function plainForbidden(): FaultError {
  return new FaultError({
    kind: 'misconfigured',
    code: 'TLS_PLAIN_FORBIDDEN',
    detail: 'IMAP_PLAINTEXT_ALLOW_CIDRS does not hold this address',
  });
}
