/** Tickets, their comments and attachments: what the worker makes of events. Not breaking: first schema. */
import type { Knex } from 'knex';
import { distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Ticket numbers count per tenant; the row is locked for the length of one effect.
    CREATE TABLE tenant_counters (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      name text NOT NULL,
      value bigint NOT NULL,
      PRIMARY KEY (tenant, name)
    );
    ${distribute('tenant_counters')}
    ${tenantTable('tenant_counters')}

    CREATE TABLE tickets (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      number bigint NOT NULL,
      subject text NOT NULL,
      status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'pending', 'closed', 'needs_attention')),
      requester_email text NOT NULL,
      requester_name text,
      provider_id uuid,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id)
    );
    CREATE UNIQUE INDEX tickets_number ON tickets (tenant, number);
    CREATE INDEX tickets_time ON tickets (tenant, created_at DESC, id);
    ${distribute('tickets')}
    ${tenantTable('tickets')}

    CREATE TABLE ticket_comments (
      tenant uuid NOT NULL,
      id uuid NOT NULL,
      ticket_id uuid NOT NULL,
      event_id uuid,
      message_id text,
      author_email text NOT NULL,
      author_name text,
      body_text text NOT NULL,
      body_html text,
      is_internal boolean NOT NULL DEFAULT false,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, ticket_id) REFERENCES tickets ON DELETE CASCADE
    );
    CREATE UNIQUE INDEX ticket_comments_event ON ticket_comments (tenant, event_id) WHERE event_id IS NOT NULL;
    CREATE INDEX ticket_comments_ticket ON ticket_comments (tenant, ticket_id, created_at);
    CREATE INDEX ticket_comments_message_id ON ticket_comments (tenant, message_id);
    ${distribute('ticket_comments')}
    ${tenantTable('ticket_comments')}

    CREATE TABLE ticket_attachments (
      tenant uuid NOT NULL,
      id uuid NOT NULL,
      ticket_id uuid NOT NULL,
      comment_id uuid NOT NULL,
      name text NOT NULL,
      content_type text NOT NULL,
      size bigint NOT NULL,
      sha256 text NOT NULL,
      storage_key text NOT NULL,
      content_id text,
      is_inline boolean NOT NULL DEFAULT false,
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, ticket_id) REFERENCES tickets ON DELETE CASCADE,
      FOREIGN KEY (tenant, comment_id) REFERENCES ticket_comments ON DELETE CASCADE
    );
    CREATE INDEX ticket_attachments_comment ON ticket_attachments (tenant, comment_id);
    ${distribute('ticket_attachments')}
    ${tenantTable('ticket_attachments')}

    CREATE TABLE email_reply_tokens (
      tenant uuid NOT NULL,
      token_hash bytea NOT NULL,
      ticket_id uuid NOT NULL,
      recipient_email text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, token_hash),
      FOREIGN KEY (tenant, ticket_id) REFERENCES tickets ON DELETE CASCADE
    );
    ${distribute('email_reply_tokens')}
    ${tenantTable('email_reply_tokens')}
  `);
}
