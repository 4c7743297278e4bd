/**
 * What the API needs from the world: types only. Adapters implement these, use cases and routes use them.
 * Those of accounts and of live changes are in ports/.
 * Every method that takes a tenant sees that tenant alone; an id of another tenant is as unknown as any other.
 */
import type { PauseReason, ProviderStatus, StartFrom } from '@mailstream/shared/domain/provider';
import type { FastifyInstance } from 'fastify';
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { SmtpSettings } from '@mailstream/shared/mail/smtp-settings';
import type {
  DeadLetter,
  DeadLetterDetail,
  DeadLetterListQuery,
  ReplayRequest,
  ReplayResult,
  StrayLetter,
} from './contracts/dead-letters.ts';
import type { Job, JobPatch, JobRun } from './contracts/jobs.ts';
import type { Message, MessageDetail, MessageListQuery } from './contracts/messages.ts';
import type { History, ImapStatus, Queues, ProviderHistory } from './contracts/operations.ts';
import type {
  OutboundListQuery,
  OutboundMail,
  Smtp,
  SmtpBody,
  SmtpTestResult,
} from './contracts/outbound.ts';
import type { Page } from './contracts/paging.ts';
import type { Activity, AuditRequest, Provider, ProviderListQuery } from './contracts/providers.ts';
import type { ResyncBody, ResyncRequest } from './contracts/resync.ts';
import type { Scope } from './contracts/session.ts';
import type { AdoptedGrant } from './ports/oauth-grant.ts';
import type { TicketDefaultsBody } from './contracts/ticket-defaults.ts';
import type { MailBody } from './use-cases/mail-preview.ts';
import type { CommentHtml, MergeBody, Ticket, TicketDetail, TicketListQuery } from './contracts/tickets.ts';

/** Who acts, for whom, with which rights. Only the auth plugin makes one. */
export interface Actor {
  readonly tenant: TenantId;
  readonly kind: 'user' | 'api_token';
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
}

// --- Accounts -------------------------------------------------------------------------------------------------

export interface ApiToken {
  readonly tenant: TenantId;
  readonly id: string;
  readonly name: string;
  readonly tokenHash: Uint8Array;
  readonly scopes: readonly string[];
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface User {
  readonly tenant: TenantId;
  readonly id: string;
  readonly email: string;
  readonly displayName: string;
  readonly role: 'viewer' | 'admin' | 'operator';
  /** Argon2 in PHC form; null for a user who cannot log in with a password. */
  readonly passwordHash: string | null;
  readonly disabledAt: Date | null;
}

export interface Session {
  readonly tenant: TenantId;
  readonly id: string;
  readonly tokenHash: Uint8Array;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  readonly user: User;
}

/** Finds people and programs before the tenant is known, and keeps their sessions. Tokens arrive as SHA-256 only. */
export interface AccountStore {
  apiToken(tokenHash: Uint8Array): Promise<ApiToken | null>;
  touchApiToken(tenant: TenantId, id: string, at: Date): Promise<void>;
  /** Of all tenants: the password decides which one is meant. */
  usersByEmail(email: string): Promise<readonly User[]>;
  session(tokenHash: Uint8Array): Promise<Session | null>;
  openSession(
    user: User,
    session: {
      readonly id: string;
      readonly tokenHash: Uint8Array;
      readonly at: Date;
      readonly expiresAt: Date;
    },
  ): Promise<void>;
  touchSession(tenant: TenantId, id: string, at: Date, expiresAt: Date): Promise<void>;
  endSession(tenant: TenantId, id: string): Promise<void>;
  sessionById(tenant: TenantId, id: string): Promise<Session | null>;
  apiTokenById(tenant: TenantId, id: string): Promise<ApiToken | null>;
  /** Name and address of the actor, and the name of the tenant; null when gone meanwhile. */
  describe(
    actor: Actor,
  ): Promise<{ readonly name: string; readonly email: string | null; readonly tenantName: string } | null>;
}

export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /** False for a wrong password and for a hash that is none. Takes the same time either way, also with null. */
  verify(hash: string | null, password: string): Promise<boolean>;
}

// --- Providers ------------------------------------------------------------------------------------------------

/** The secrets that a person can enter. */
export type EnteredSecret = 'imap_password' | 'imap_oauth_client_secret' | 'imap_refresh_token';
export type StoredSecret = EnteredSecret | 'imap_access_token' | 'smtp_password';

/** Everything about a mailbox that a request can set, besides secrets. */
export interface ProviderSettings {
  readonly providerName: string;
  readonly mailbox: string;
  readonly isActive: boolean;
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly allowStarttls: boolean;
  readonly verifyCertificate: boolean;
  readonly authType: 'password' | 'oauth2';
  readonly username: string;
  readonly folderFilters: readonly string[];
  readonly startFrom: StartFrom;
  readonly oauthAuthorizeUrl: string | null;
  readonly oauthTokenUrl: string | null;
  readonly oauthClientId: string | null;
  readonly oauthScopes: string | null;
  /** What an answer's `iss` has to be; may hold `{tenantid}`. */
  readonly oauthIssuer: string | null;
  /** Opened by accounts that have another address. */
  readonly oauthSharedMailbox: boolean;
}

export interface ProviderRecord {
  readonly settings: ProviderSettings;
  readonly status: ProviderStatus;
  readonly pauseReason: PauseReason | null;
  readonly secrets: ReadonlySet<StoredSecret>;
}

/** One change of a mailbox, as one transaction writes it. Nothing in it reaches `folder_state`: a cursor is not a setting. */
export interface ProviderChange {
  readonly action: string;
  readonly settings: ProviderSettings;
  /** What the status becomes; null leaves it as the daemon last set it. */
  readonly status: { readonly status: ProviderStatus; readonly errorCode: string | null } | null;
  readonly pause: 'keep' | 'pause' | 'resume';
  readonly secretsToWrite: Readonly<Partial<Record<EnteredSecret, string>>>;
  readonly secretsToRemove: readonly StoredSecret[];
  /** What an OAuth login brought; its refresh token and client secret are among the secrets to write as well. */
  readonly grant: AdoptedGrant | null;
  readonly bumpsConfig: boolean;
  readonly bumpsPoke: boolean;
}

export type ChangeResult = { readonly kind: 'changed'; readonly provider: Provider } | Refusal;
export type Refusal = { readonly kind: 'notFound' } | { readonly kind: 'mailboxExists' };

export type ResyncResult =
  | { readonly kind: 'requested'; readonly request: ResyncRequest }
  | { readonly kind: 'notWatched'; readonly folders: readonly string[] }
  | { readonly kind: 'notFound' | 'notRunning' };

/** Each writing method is one transaction over settings, secrets, audit log and notice: all of it or nothing. */
export interface ProviderStore {
  list(tenant: TenantId, query: ProviderListQuery): Promise<Page<Provider>>;
  get(tenant: TenantId, id: ProviderId): Promise<Provider | null>;
  record(tenant: TenantId, id: ProviderId): Promise<ProviderRecord | null>;
  create(actor: Actor, id: ProviderId, change: ProviderChange): Promise<ChangeResult>;
  /** `decide` sees the row locked; null means that nothing changes. What it throws rolls everything back. */
  change(
    actor: Actor,
    id: ProviderId,
    decide: (current: ProviderRecord) => ProviderChange | null,
    options?: {
      /** Waits for a refresh of the tokens that is under way. */
      readonly replacesSecrets?: boolean;
    },
  ): Promise<ChangeResult>;
  delete(actor: Actor, id: ProviderId): Promise<'deleted' | 'notFound'>;
  activity(tenant: TenantId, id: ProviderId): Promise<Activity | null>;
  /** How long its mail took to get here, over the last hours. */
  history(tenant: TenantId, id: ProviderId, hours: number): Promise<ProviderHistory | null>;
  /** Numbers the request and tells whoever holds the mailbox; `notRunning` for one that is paused or switched off. */
  requestAudit(
    actor: Actor,
    id: ProviderId,
  ): Promise<
    | { readonly kind: 'requested'; readonly request: AuditRequest }
    | { readonly kind: 'notFound' | 'notRunning' }
  >;
  /** Asks whoever holds the mailbox for older mail, or to count it. A refusal leaves nothing behind. */
  requestResync(actor: Actor, id: ProviderId, body: ResyncBody): Promise<ResyncResult>;
  /** Reveals what is stored, for a connection test only. */
  readSecret(tenant: TenantId, id: ProviderId, name: EnteredSecret): Promise<string | null>;
}

// --- Messages, tickets, operations ----------------------------------------------------------------------------

export interface MessageStore {
  list(tenant: TenantId, query: MessageListQuery): Promise<Page<Message>>;
  get(tenant: TenantId, eventId: string): Promise<MessageDetail | null>;
  /** Storage key of the original; null where there is no such message or it was never read. */
  rawKey(tenant: TenantId, eventId: string): Promise<string | null>;
  /** Null where nothing readable of it is kept. */
  body(tenant: TenantId, eventId: string): Promise<MailBody | null>;
}

export interface DeadLetterStore {
  list(tenant: TenantId, query: DeadLetterListQuery): Promise<Page<DeadLetter>>;
  get(tenant: TenantId, eventId: string): Promise<DeadLetterDetail | null>;
  /** Storage key of the original; null where there is no such letter or it was never read. */
  rawKey(tenant: TenantId, eventId: string): Promise<string | null>;
  /** Asks worker or daemon to try again. Asking twice is asking once. */
  replay(actor: Actor, which: ReplayRequest, options: { readonly dryRun: boolean }): Promise<ReplayResult>;
  discard(
    actor: Actor,
    eventId: string,
    reason: string,
  ): Promise<'discarded' | 'replaying' | 'replayed' | 'notFound'>;
  /** Of no tenant, for operators: without any content. */
  strays(): Promise<readonly StrayLetter[]>;
}

export interface StoredAttachment {
  /** As the sender called it. */
  readonly name: string;
  /** As the sender declared it. */
  readonly contentType: string;
  readonly storageKey: string;
}

export type TicketAction = 'close' | 'reopen' | 'resolve-attention';
/** `merged`: the ticket has no comments any more, they are in another one. */
export type MergeResult = 'changed' | 'notFound' | 'merged' | 'targetUnknown' | 'targetRefused';
export type DefaultsResult = 'changed' | 'notFound' | 'clientUnknown';

/** Each changing method is one transaction with its line in the audit log. */
export interface TicketStore {
  list(tenant: TenantId, query: TicketListQuery): Promise<Page<Ticket>>;
  get(tenant: TenantId, id: string): Promise<TicketDetail | null>;
  attachment(tenant: TenantId, ticketId: string, id: string): Promise<StoredAttachment | null>;
  /** Null where the comment is not in this ticket or has no HTML. */
  html(tenant: TenantId, ticketId: string, commentId: string): Promise<CommentHtml | null>;
  /** Null where the comment is not in this ticket. */
  body(tenant: TenantId, ticketId: string, commentId: string): Promise<MailBody | null>;
  change(actor: Actor, id: string, action: TicketAction): Promise<'changed' | 'notFound' | 'merged'>;
  /** Moves everything of the ticket into another one and closes it. */
  merge(actor: Actor, id: string, options: MergeBody): Promise<MergeResult>;
  /** Null takes the client away. */
  assignClient(
    actor: Actor,
    id: string,
    clientId: string | null,
  ): Promise<'changed' | 'notFound' | 'clientUnknown'>;
  /** Of one mailbox, or (null) of the tenant; null where none are set. */
  defaults(tenant: TenantId, provider: ProviderId | null): Promise<TicketDefaultsBody | null | 'notFound'>;
  setDefaults(
    actor: Actor,
    provider: ProviderId | null,
    defaults: TicketDefaultsBody,
  ): Promise<DefaultsResult>;
  removeDefaults(actor: Actor, provider: ProviderId | null): Promise<'changed' | 'notFound'>;
}

// --- Sending ----------------------------------------------------------------------------------------------------

/** Each changing method is one transaction over settings, password and audit log. */
export interface SmtpStore {
  get(tenant: TenantId, id: ProviderId): Promise<Smtp | null>;
  /** Null where there is no such mailbox. */
  mailbox(
    tenant: TenantId,
    id: ProviderId,
  ): Promise<{ readonly mailbox: string; readonly usesOauth: boolean } | null>;
  /** Reveals what is stored, for a connection test only. */
  password(tenant: TenantId, id: ProviderId): Promise<string | null>;
  /** A stored password is erased when host, port, user or protection change and none is given. */
  set(actor: Actor, id: ProviderId, body: SmtpBody, fromEmail: string): Promise<'changed' | 'notFound'>;
  remove(actor: Actor, id: ProviderId): Promise<'changed' | 'notFound'>;
}

export interface SmtpServer {
  /**
   * Whether the server may be connected to at all, and without encryption.
   * @throws FaultError EGRESS_FORBIDDEN, IMAP_DNS_NOT_FOUND
   */
  vet(host: string, port: number): Promise<{ readonly allowsPlainText: boolean }>;
  /** Connects and logs in, step by step; never rejects for what the server does. */
  test(
    tenant: TenantId,
    id: ProviderId,
    settings: SmtpSettings,
    password: string | null,
    signal: AbortSignal,
  ): Promise<SmtpTestResult>;
}

export interface AnswerDraft {
  readonly text: string;
  /** Sanitised. */
  readonly html: string | null;
  readonly isInternal: boolean;
  readonly attachmentIds: readonly string[];
  readonly priority: OutboundMail['priority'];
  /** The same key is the same answer. */
  readonly key: string | null;
}

export type ReplyOutcome =
  | {
      readonly kind: 'added' | 'repeated';
      readonly commentId: string;
      readonly mail: OutboundMail | null;
    }
  | { readonly kind: 'notFound' | 'merged' }
  | { readonly kind: 'refused'; readonly code: 'smtp' | 'recipient' | 'doubtful' | 'attachment' | 'key' };

export interface ReplyStore {
  /** Comment and mail in one transaction. */
  add(actor: Actor, ticketId: string, draft: AnswerDraft): Promise<ReplyOutcome>;
}

export interface OutboundStore {
  list(tenant: TenantId, query: OutboundListQuery): Promise<Page<OutboundMail>>;
  get(tenant: TenantId, id: string): Promise<OutboundMail | null>;
  retry(actor: Actor, id: string): Promise<'queued' | 'notFound' | 'notFailed'>;
}

/** Of the installation, not of a tenant; the tenant is the operator's own, for the audit log. */
export interface JobStore {
  list(tenant: TenantId): Promise<readonly Job[]>;
  /** Null where there is no such job. */
  runs(tenant: TenantId, name: string): Promise<readonly JobRun[] | null>;
  change(
    actor: Actor,
    name: string,
    patch: JobPatch,
    now: Date,
  ): Promise<'changed' | 'notFound' | 'badSchedule'>;
  /** Null where there is no such job. */
  run(actor: Actor, name: string): Promise<JobRun | null>;
}

/** Pages that show the queues; only operators get them. */
export interface JobBoard {
  register(app: FastifyInstance): Promise<void>;
  /** Jobs of each queue by state. @throws FaultError REDIS_UNAVAILABLE */
  depths(): Promise<Queues['items']>;
  close(): Promise<void>;
}

export interface OperationsStore {
  status(tenant: TenantId): Promise<ImapStatus>;
  /** Over all tenants. */
  history(minutes: number): Promise<History>;
  /** Ids of the tenant's active, not paused mailboxes. */
  running(tenant: TenantId): Promise<readonly ProviderId[]>;
}

export interface RawStore {
  read(key: string): Promise<NodeJS.ReadableStream>;
}

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

export interface Health {
  readiness(): Promise<readonly Check[]>;
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}
