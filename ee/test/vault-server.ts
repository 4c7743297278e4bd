/**
 * A server that follows the HTTP API of Vault as far as Mailstream uses it: KV version 2, AppRole, Kubernetes, tokens, seal, namespaces.
 * Real HTTP or HTTPS. What it does by the clock (tokens that end) is done on demand here.
 */
import { randomUUID } from 'node:crypto';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import type { TestCertificate } from '@mailstream/shared/testing/test-certificate';

interface KvVersion {
  data: Readonly<Record<string, unknown>> | null;
  deletedAt: string;
  isDestroyed: boolean;
}

export interface StubToken {
  readonly id: string;
  readonly isRenewable: boolean;
  /** Seconds that a renewal gives next. */
  ttl: number;
}

export interface VaultOptions {
  readonly mount?: string;
  readonly namespace?: string;
  readonly tls?: TestCertificate;
}

export class VaultServer {
  readonly mount: string;
  readonly roleId = 'role-of-mailstream';
  secretId = randomUUID();
  serviceAccountJwt = 'first-jwt';
  /** Of tokens that a login gives, seconds; renewals give `renewalTtl`. */
  loginTtl = 3600;
  renewalTtl = 3600;
  isRenewable = true;
  isSealed = false;
  /** Paths below which nothing is allowed. */
  readonly forbidden = new Set<string>();
  /** Method and path of each request, in order. */
  readonly requests: string[] = [];
  readonly tokens = new Map<string, StubToken>();
  /** Answers given instead of the right ones, one each. */
  readonly answersInstead: { status: number; headers?: Record<string, string>; text?: string }[] = [];
  /** Called before a write is looked at: somebody else may be faster. */
  beforeWrite: (path: string) => void = () => undefined;
  /** True leaves requests without an answer. */
  isSilent = false;
  /** The request in hand is carried out, and answered with this status, as by a proxy that did not wait. */
  answersFalsely: number | null = null;
  readonly #kv = new Map<string, KvVersion[]>();
  readonly #namespace: string | null;
  readonly #server: Server;
  readonly #isTls: boolean;

  constructor(options: VaultOptions = {}) {
    this.mount = options.mount ?? 'secret';
    this.#namespace = options.namespace ?? null;
    this.#isTls = options.tls !== undefined;
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response);
    this.#server =
      options.tls === undefined ? createHttpServer(listener) : createHttpsServer(options.tls, listener);
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `${this.#isTls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  addToken(ttl = 0, isRenewable = ttl > 0): string {
    const id = `hvs.${randomUUID()}`;
    this.tokens.set(id, { id, isRenewable, ttl });
    return id;
  }

  /** As with `vault kv put`. @returns the version */
  putByHand(path: string, data: Readonly<Record<string, unknown>>): number {
    const versions = this.#kv.get(path) ?? [];
    versions.push({ data, deletedAt: '', isDestroyed: false });
    this.#kv.set(path, versions);
    return versions.length;
  }

  deleteByHand(path: string): void {
    const last = this.#kv.get(path)?.at(-1);
    if (last !== undefined) last.deletedAt = new Date().toISOString();
  }

  /** Data of each version; null where it is deleted or destroyed. */
  versions(path: string): readonly (Readonly<Record<string, unknown>> | null)[] {
    return (this.#kv.get(path) ?? []).map((one) =>
      one.isDestroyed || one.deletedAt !== '' ? null : one.data,
    );
  }

  get paths(): readonly string[] {
    return [...this.#kv.keys()];
  }

  counted(start: string): number {
    return this.requests.filter((request) => request.startsWith(start)).length;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://vault');
    const path = url.pathname.replace(/^\/v1\//, '');
    const isList = url.searchParams.get('list') === 'true';
    this.requests.push(`${isList ? 'LIST' : request.method} ${path}`);
    const body = await readJson(request);
    if (this.isSilent) return;
    const instead = this.answersInstead.shift();
    if (instead !== undefined) {
      response.writeHead(instead.status, instead.headers).end(instead.text ?? '{"errors":[]}');
      return;
    }
    const [status, answer] = this.#answer(request, path, url.searchParams, body);
    if (this.answersFalsely !== null) {
      response.writeHead(this.answersFalsely).end('<html>');
      this.answersFalsely = null;
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(answer === null ? '' : JSON.stringify(answer));
  }

  #answer(
    request: IncomingMessage,
    path: string,
    query: URLSearchParams,
    body: Body,
  ): readonly [number, unknown] {
    if (this.isSealed) return [503, { errors: ['Vault is sealed'] }];
    if ((request.headers['x-vault-namespace'] ?? null) !== this.#namespace)
      return [404, { errors: ['no handler for route'] }];
    if (path === 'auth/approle/login')
      return body['role_id'] === this.roleId && body['secret_id'] === this.secretId
        ? [200, this.#login()]
        : [400, { errors: ['invalid role or secret ID'] }];
    if (path === 'auth/kubernetes/login')
      return body['role'] === 'mailstream' && body['jwt'] === this.serviceAccountJwt
        ? [200, this.#login()]
        : [403, { errors: ['permission denied'] }];
    const token = this.tokens.get(String(request.headers['x-vault-token'] ?? ''));
    if (token === undefined) return [403, { errors: ['permission denied'] }];
    if (path === 'auth/token/lookup-self')
      return [200, { data: { ttl: token.ttl, renewable: token.isRenewable } }];
    if (path === 'auth/token/renew-self') {
      if (!token.isRenewable) return [400, { errors: ['lease is not renewable'] }];
      return [200, { auth: { client_token: token.id, lease_duration: this.renewalTtl, renewable: true } }];
    }
    if ([...this.forbidden].some((start) => path.startsWith(start)))
      return [403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] }];
    return this.#kvAnswer(request.method ?? 'GET', path, query, body);
  }

  #login(): unknown {
    const id = this.addToken(this.loginTtl, this.isRenewable);
    return { auth: { client_token: id, lease_duration: this.loginTtl, renewable: this.isRenewable } };
  }

  #kvAnswer(method: string, path: string, query: URLSearchParams, body: Body): readonly [number, unknown] {
    const [verb = '', ...rest] = path.slice(this.mount.length + 1).split('/');
    const key = rest.join('/');
    if (!path.startsWith(`${this.mount}/`)) return [404, { errors: [`no handler for route "${path}"`] }];
    const versions = this.#kv.get(key) ?? [];
    if (verb === 'metadata' && query.get('list') === 'true') return this.#list(key);
    if (verb === 'metadata' && method === 'DELETE') return [(this.#kv.delete(key), 204), null];
    if (verb === 'destroy' && method === 'POST') {
      for (const number of (body['versions'] as number[] | undefined) ?? []) {
        const version = versions[number - 1];
        if (version !== undefined) Object.assign(version, { data: null, isDestroyed: true });
      }
      return [204, null];
    }
    if (verb !== 'data') return [404, { errors: [] }];
    if (method === 'GET') return read(versions, Number(query.get('version') ?? 0));
    this.beforeWrite(key);
    const current = this.#kv.get(key)?.length ?? 0;
    const { cas } = (body['options'] ?? {}) as { cas?: number };
    if (cas !== undefined && cas !== current)
      return [400, { errors: ['check-and-set parameter did not match the current version'] }];
    return [200, { data: { version: this.putByHand(key, body['data'] as Record<string, unknown>) } }];
  }

  #list(folder: string): readonly [number, unknown] {
    const below = this.paths
      .filter((path) => path.startsWith(`${folder}/`))
      .map((path) => path.slice(folder.length + 1));
    const keys = [...new Set(below.map((path) => (path.includes('/') ? `${path.split('/')[0]}/` : path)))];
    return keys.length === 0 ? [404, { errors: [] }] : [200, { data: { keys: keys.sort() } }];
  }
}

type Body = Readonly<Record<string, unknown>>;

function read(versions: readonly KvVersion[], asked: number): readonly [number, unknown] {
  const number = asked === 0 ? versions.length : asked;
  const version = versions[number - 1];
  if (version === undefined) return [404, { errors: [] }];
  const metadata = { version: number, deletion_time: version.deletedAt, destroyed: version.isDestroyed };
  const isGone = version.isDestroyed || version.deletedAt !== '';
  return [isGone ? 404 : 200, { data: { data: isGone ? null : version.data, metadata } }];
}

async function readJson(request: IncomingMessage): Promise<Body> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text === '' ? {} : (JSON.parse(text) as Body);
}

/** Call at top level; stopped after the file. */
export async function useVault(options: VaultOptions = {}): Promise<VaultServer> {
  const server = new VaultServer(options);
  await server.start();
  afterAll(() => server.stop());
  return server;
}
