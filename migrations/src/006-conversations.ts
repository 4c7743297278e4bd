/**
 * What finds a mail its ticket: message ids, participants, reply tokens by expiry, clients by address and domain; and what is kept of it:
 * who wrote, how that was checked, what was quoted, why an agent should look. Additions only, besides one index that a long
 * Message-ID could not enter: not breaking for workers that still run the version before.
 */
import type { Knex } from 'knex';
import { distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(CLIENTS);
  await knex.raw(TICKETS);
  await knex.raw(CONVERSATIONS);
  await carryOver(knex);
}

const CLIENTS = `
    -- Whom the tenant works for. Never deleted while a ticket names them: they are deactivated.
    CREATE TABLE clients (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
      is_active boolean NOT NULL DEFAULT true,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id)
    );
    ${distribute('clients')}
    ${tenantTable('clients')}

    CREATE TABLE client_domains (
      tenant uuid NOT NULL,
      domain text NOT NULL CHECK (domain = lower(domain) AND length(domain) BETWEEN 1 AND 253),
      client_id uuid NOT NULL,
      PRIMARY KEY (tenant, domain),
      FOREIGN KEY (tenant, client_id) REFERENCES clients ON DELETE CASCADE
    );
    CREATE INDEX client_domains_client ON client_domains (tenant, client_id);
    ${distribute('client_domains')}
    ${tenantTable('client_domains')}

    -- Addresses that wrote to the tenant or that an agent entered; the address in lower case.
    CREATE TABLE contacts (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      email text NOT NULL CHECK (length(email) BETWEEN 1 AND 320),
      name text,
      client_id uuid,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, client_id) REFERENCES clients
    );
    CREATE UNIQUE INDEX contacts_email ON contacts (tenant, email);
    CREATE INDEX contacts_client ON contacts (tenant, client_id);
    ${distribute('contacts')}
    ${tenantTable('contacts')}

    -- What a new ticket gets, and whom we believe: of one mailbox, or (provider_id null) of all that have no row of their own.
    CREATE TABLE ticket_defaults (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      provider_id uuid,
      -- For senders whose client is not known; null lets an agent decide.
      client_id uuid,
      priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
      queue text CHECK (length(queue) BETWEEN 1 AND 100),
      tags text[] NOT NULL DEFAULT '{}',
      -- A reply to a ticket that was closed for longer opens a new one.
      reopen_within_hours integer NOT NULL DEFAULT 168 CHECK (reopen_within_hours BETWEEN 0 AND 87600),
      -- Of one ticket; what comes above it is recorded, but reopens nothing and gets no answer.
      max_messages_per_hour integer NOT NULL DEFAULT 30 CHECK (max_messages_per_hour BETWEEN 1 AND 100000),
      -- Names under which the mailbox's own server writes Authentication-Results (RFC 8601 section 2.5); empty where it writes none.
      authserv_ids text[] NOT NULL DEFAULT '{}',
      -- It begins them with a result instead (Microsoft).
      authserv_writes_no_id boolean NOT NULL DEFAULT false,
      -- How many such fields it writes on one mail.
      authserv_fields integer NOT NULL DEFAULT 1 CHECK (authserv_fields BETWEEN 1 AND 5),
      -- Where the server says nothing: true lets nobody but the owner of a reply token into a ticket.
      require_verified_sender boolean NOT NULL DEFAULT false,
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, provider_id) REFERENCES email_providers ON DELETE CASCADE,
      FOREIGN KEY (tenant, client_id) REFERENCES clients
    );
    CREATE UNIQUE INDEX ticket_defaults_provider ON ticket_defaults (tenant, provider_id) NULLS NOT DISTINCT;
    ${distribute('ticket_defaults')}
    ${tenantTable('ticket_defaults')}
`;

const TICKETS = `
    ALTER TABLE tickets
      ADD COLUMN contact_id uuid,
      ADD COLUMN client_id uuid,
      ADD COLUMN priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
      ADD COLUMN queue text,
      ADD COLUMN closed_at timestamptz,
      -- Where its comments went; the target is never merged itself.
      ADD COLUMN merged_into uuid,
      ADD FOREIGN KEY (tenant, contact_id) REFERENCES contacts,
      ADD FOREIGN KEY (tenant, client_id) REFERENCES clients,
      ADD FOREIGN KEY (tenant, merged_into) REFERENCES tickets;
    CREATE INDEX tickets_status ON tickets (tenant, status, created_at DESC, id);
    CREATE INDEX tickets_merged ON tickets (tenant, merged_into) WHERE merged_into IS NOT NULL;

    -- \`body_text\` and \`body_html\` are the whole message (HTML with attachment:<id> for inline images, not sanitised).
    ALTER TABLE ticket_comments
      ADD COLUMN author_kind text NOT NULL DEFAULT 'contact' CHECK (author_kind IN ('contact', 'agent', 'automated', 'unknown')),
      ADD COLUMN contact_id uuid,
      ADD COLUMN user_id uuid,
      ADD COLUMN provider_id uuid,
      -- What the mailbox's own server says about From; 'unknown' where it says nothing.
      ADD COLUMN sender_check text NOT NULL DEFAULT 'unknown' CHECK (sender_check IN ('verified', 'failed', 'unknown')),
      ADD COLUMN automated_kind text,
      -- By what it came into its ticket; null for one that opened it or was written here.
      ADD COLUMN matched_by text CHECK (matched_by IN ('token', 'reference', 'subject', 'bounce', 'agent')),
      -- Whether an answer may be sent without a person asking for it.
      ADD COLUMN is_answerable boolean NOT NULL DEFAULT false,
      -- Without the quoted part; null where nothing was taken away.
      ADD COLUMN reply_text text,
      ADD COLUMN reply_html text,
      ADD COLUMN quoted_text text,
      ADD COLUMN raw_storage_key text,
      -- Where the whole bodies are when they were too long for an event.
      ADD COLUMN text_storage_key text,
      ADD COLUMN html_storage_key text,
      ADD FOREIGN KEY (tenant, contact_id) REFERENCES contacts;
    CREATE INDEX ticket_comments_contact ON ticket_comments (tenant, contact_id, created_at) WHERE contact_id IS NOT NULL;
    -- Its place is taken by ticket_message_ids: a Message-ID may be longer than an index row.
    DROP INDEX ticket_comments_message_id;
    CREATE INDEX ticket_attachments_ticket ON ticket_attachments (tenant, ticket_id);
    CREATE INDEX email_reply_tokens_ticket ON email_reply_tokens (tenant, ticket_id);
`;

const CONVERSATIONS = `
    -- Message-IDs by their SHA-256: of what a ticket received and sent, and of what its messages answer but that never came. Two
    -- tickets may have the same one: a Message-ID proves nothing.
    CREATE TABLE ticket_message_ids (
      tenant uuid NOT NULL,
      id_hash bytea NOT NULL,
      ticket_id uuid NOT NULL,
      kind text NOT NULL CHECK (kind IN ('received', 'sent', 'referenced')),
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id_hash, ticket_id),
      FOREIGN KEY (tenant, ticket_id) REFERENCES tickets ON DELETE CASCADE
    );
    CREATE INDEX ticket_message_ids_ticket ON ticket_message_ids (tenant, ticket_id);
    ${distribute('ticket_message_ids')}
    ${tenantTable('ticket_message_ids')}

    -- Who may write into a ticket: whoever opened it, and whom an agent added. Being named in To or Cc is not enough.
    CREATE TABLE ticket_participants (
      tenant uuid NOT NULL,
      ticket_id uuid NOT NULL,
      -- Lower case.
      email text NOT NULL CHECK (length(email) BETWEEN 1 AND 320),
      source text NOT NULL CHECK (source IN ('requester', 'agent')),
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, ticket_id, email),
      FOREIGN KEY (tenant, ticket_id) REFERENCES tickets ON DELETE CASCADE
    );
    CREATE INDEX ticket_participants_email ON ticket_participants (tenant, email);
    ${distribute('ticket_participants')}
    ${tenantTable('ticket_participants')}

    CREATE TABLE ticket_tags (
      tenant uuid NOT NULL,
      ticket_id uuid NOT NULL,
      tag text NOT NULL CHECK (length(tag) BETWEEN 1 AND 100),
      PRIMARY KEY (tenant, ticket_id, tag),
      FOREIGN KEY (tenant, ticket_id) REFERENCES tickets ON DELETE CASCADE
    );
    CREATE INDEX ticket_tags_tag ON ticket_tags (tenant, tag);
    ${distribute('ticket_tags')}
    ${tenantTable('ticket_tags')}

    -- For agents only: nothing of the other ticket is shown to whoever wrote.
    CREATE TABLE ticket_links (
      tenant uuid NOT NULL,
      ticket_id uuid NOT NULL,
      other_ticket_id uuid NOT NULL,
      kind text NOT NULL CHECK (kind IN ('may_belong_to', 'follows')),
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, ticket_id, other_ticket_id, kind),
      FOREIGN KEY (tenant, ticket_id) REFERENCES tickets ON DELETE CASCADE,
      FOREIGN KEY (tenant, other_ticket_id) REFERENCES tickets ON DELETE CASCADE
    );
    CREATE INDEX ticket_links_other ON ticket_links (tenant, other_ticket_id);
    ${distribute('ticket_links')}
    ${tenantTable('ticket_links')}

    -- Why an agent should look at a ticket; empty or resolved means that nobody has to.
    CREATE TABLE ticket_attention (
      tenant uuid NOT NULL,
      ticket_id uuid NOT NULL,
      reason text NOT NULL CHECK (reason IN
        ('sender_missing', 'sender_unverified', 'possible_reply', 'client_unknown', 'bounce', 'message_flood')),
      comment_id uuid,
      created_at timestamptz NOT NULL DEFAULT now(),
      resolved_at timestamptz,
      PRIMARY KEY (tenant, ticket_id, reason),
      FOREIGN KEY (tenant, ticket_id) REFERENCES tickets ON DELETE CASCADE
    );
    CREATE INDEX ticket_attention_open ON ticket_attention (tenant, created_at) WHERE resolved_at IS NULL;
    ${distribute('ticket_attention')}
    ${tenantTable('ticket_attention')}
`;

/** Tickets of the schema before go on as conversations. Forced row-level security holds for an owner as well: lifted meanwhile. */
async function carryOver(knex: Knex): Promise<void> {
  const tables = ['tickets', 'ticket_comments', 'ticket_message_ids', 'ticket_participants', 'contacts'];
  for (const table of tables) await knex.raw(`ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`);
  await knex.raw(`
    UPDATE tickets SET closed_at = updated_at WHERE status = 'closed';

    INSERT INTO contacts (tenant, id, email, name)
    SELECT DISTINCT ON (tenant, lower(requester_email)) tenant, gen_random_uuid(), lower(requester_email), requester_name
      FROM tickets WHERE length(requester_email) BETWEEN 1 AND 320
     ORDER BY tenant, lower(requester_email), created_at DESC;

    UPDATE tickets t SET contact_id = c.id
      FROM contacts c WHERE c.tenant = t.tenant AND c.email = lower(t.requester_email);

    INSERT INTO ticket_participants (tenant, ticket_id, email, source)
    SELECT tenant, id, lower(requester_email), 'requester' FROM tickets WHERE length(requester_email) BETWEEN 1 AND 320;

    INSERT INTO ticket_message_ids (tenant, id_hash, ticket_id, kind)
    SELECT DISTINCT tenant, sha256(convert_to(message_id, 'UTF8')), ticket_id, 'received'
      FROM ticket_comments WHERE message_id IS NOT NULL;
  `);
  for (const table of tables) await knex.raw(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
}
